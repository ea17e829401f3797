"""Lets the tests of this folder, and others, share the tables of good and bad series."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
