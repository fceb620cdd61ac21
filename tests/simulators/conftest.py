"""What needs pseudo terminals is left out on Windows, which has none."""

from __future__ import annotations

import sys

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []
