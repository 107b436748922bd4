"""``python3 -m modelyard_dev``; see :mod:`modelyard_dev.cli`."""

import sys

from modelyard_dev.cli import main

sys.exit(main())
