"""``python -m bodydouble`` is the command ``bodydouble``."""

import sys

from bodydouble.cli import main

if __name__ == "__main__":
    sys.exit(main())
