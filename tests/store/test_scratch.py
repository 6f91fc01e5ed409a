"""Large files of a fit are gone when it ends, even if its process was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from perennial.store.scratch import scratch_folder

FIT = """
import sys
from pathlib import Path
from perennial.store.scratch import scratch_folder

with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "bins").write_bytes(b"1")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_fit_left_is_removed_by_the_next_and_what_another_uses_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FIT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as fit:
        assert fit.stdout is not None
        folder = Path(fit.stdout.readline().strip())
        with scratch_folder(tmp_path):
            assert (folder / "bins").exists(), "it is in use"
        fit.send_signal(signal.SIGKILL)
    assert (folder / "bins").exists()
    with scratch_folder(tmp_path) as mine:
        assert list(mine.iterdir()) == []
        assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
