"""``python3 -m modelyard_cluster``; see :mod:`modelyard_cluster.cli`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the point is to say it readably on an old interpreter
    sys.exit(
        "error: modelyard_cluster needs Python 3.11 or newer, this is "
        + sys.version.split()[0]
        + ".\n  Run it as PYTHON=python3.11 (or newer)."
    )

from modelyard_cluster.cli import main

sys.exit(main())
