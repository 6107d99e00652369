"""`make mutants`: bugs of other systems, planted into copies of our sources; the lab must notice them.

The mutants, and what runs them, stand with the tests: `tests/lab/mutants/`.
"""

import importlib
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests" / "lab"

if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    sys.exit(importlib.import_module("mutants.command").main())
