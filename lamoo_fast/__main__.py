"""``python -m lamoo_fast`` is the command ``lamoo``."""

import sys

from lamoo_fast.cli import main

if __name__ == "__main__":  # worker processes import this module again
    sys.exit(main())
