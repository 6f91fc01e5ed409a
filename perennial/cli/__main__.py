"""`python -m perennial.cli`: the same as the `perennial` command."""

import sys
from pathlib import Path

# Python puts the working folder first, where a `tasks.py` or `flows.py` of the user's would be taken for ours.
_ROOT = Path(__file__).resolve().parents[2]
sys.path[:] = [place for place in sys.path if Path(place).resolve() not in {Path.cwd()} - {_ROOT}]

from perennial.cli import main  # noqa: E402

main()
