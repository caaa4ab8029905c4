"""The tool is a folder of scripts: its modules are found where it lies."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "recordings"))
