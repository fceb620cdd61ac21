"""Where a station logs: a file in its data root that is rotated, written by a thread of its own (X13)."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

from labctl import __version__

NAME = "station.log"
FILE_MAX_BYTES = 100_000_000
FILES_KEPT = 10
LINES_WAITING = 10_000
"""Lines that may wait for the disk; what comes on top is lost and the event loop is not held up (I14)."""
FORM = "%(asctime)s level=%(levelname)s logger=%(name)s %(message)s"


class _OneLine(logging.Formatter):
    """Writes each entry on one line, control characters escaped: nobody can forge a line (X13)."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return "".join(
            sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
        )


class _Hasty(logging.handlers.QueueHandler):
    """Hands entries to the thread, and drops them where it does not keep up."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


@contextlib.contextmanager
def logging_to(data: Path, *, verbose: bool) -> Iterator[None]:
    """Log to ``<data>/station/station.log``; with ``verbose`` to standard error as well."""
    folder = data / "station"
    folder.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            folder / NAME, maxBytes=FILE_MAX_BYTES, backupCount=FILES_KEPT - 1, encoding="utf-8", delay=True
        )
    ]
    if verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(_OneLine(FORM))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(LINES_WAITING)
    hasty = _Hasty(waiting)
    listener = logging.handlers.QueueListener(waiting, *handlers)
    logger = logging.getLogger("labctl")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(hasty)
    listener.start()
    own = logging.getLogger("labctl.station")
    own.info("the station starts: labctl %s, process %d, data root %s", __version__, os.getpid(), data)
    try:
        yield
        own.info("the station ends")
    except BaseException as error:
        own.warning("the station ends on %s: %s", type(error).__name__, error)
        raise
    finally:
        logger.removeHandler(hasty)
        logger.setLevel(before)
        listener.stop()
        for handler in handlers:
            handler.close()
