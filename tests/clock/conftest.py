"""Files ``*_posix.py`` send themselves SIGINT, which Windows cannot; they are not collected there."""

import sys

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []
