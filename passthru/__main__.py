"""Run the command line with `python -m passthru`."""

import sys

from passthru.cli import main

sys.exit(main())
