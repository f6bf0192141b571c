"""Training of the prompt scorer. Runs from a checkout: the features are those of the plugins' folder."""

import os
import sys
from pathlib import Path

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # sums in one order: same bytes
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins"))
