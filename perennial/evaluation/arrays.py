"""The arrays that evaluation works on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Sizes = FloatArray | IntArray
"""How much each cluster counts: its rows, or n times its share of the weight."""
