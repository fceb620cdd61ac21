"""Run the command line with ``python -m labctl``."""

import sys

from labctl.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
