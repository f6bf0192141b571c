"""`python benchmarks`: from any folder, without an installed package of that name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.run import main

raise SystemExit(main())
