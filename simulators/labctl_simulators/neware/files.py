"""Open step files that a client names by path: regular files only, at most 2 MB, within 2 s.

A client may name a pipe, a device or a huge file; the server must live on (neware-bts 2.9).
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

FILE_MAX_BYTES = 2_000_000  # a step file of 254 steps is about 100 kB
READ_LIMIT_S = 2.0  # a share that hangs must not hang the server


def read_regular_file(path: str) -> bytes | None:
    """Return the content of a regular file of at most 2 MB, or None when that is not to be had in 2 s."""
    content: list[bytes | None] = [None]

    def read() -> None:
        content[0] = _read(path)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(READ_LIMIT_S)
    return content[0]


def _read(path: str) -> bytes | None:
    if not path or "\0" in path:
        return None
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return None
        # Windows has neither flag nor named pipes in its file system; elsewhere a pipe that took the
        # file's place since the check above must not block the open.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode) or state.st_size > FILE_MAX_BYTES:
                return None
            data = file.read(FILE_MAX_BYTES + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= FILE_MAX_BYTES else None
