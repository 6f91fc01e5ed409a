"""Where the large steps run: in this process, or on a cluster.

A step that is spread over files goes through `Engine.map_files`, and a fit on all of them through `Engine.train`. The
function is at the top level of a module, depends on nothing but its arguments, and returns a small result or writes one
file that is named by what it was made from. It may therefore run anywhere, and more than once.
"""

from __future__ import annotations

from perennial.engine.engine import Engine
from perennial.engine.local import LOCAL, Local

__all__ = ["LOCAL", "Engine", "Local"]
