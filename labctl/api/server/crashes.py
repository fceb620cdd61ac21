"""Reports of the station's own bugs: kept in the data folder, scrubbed, few, opened by a person (X15)."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from labctl import __version__
from labctl.station.ledger import FOLDER
from labctl.station.people import TOKEN_SHAPE
from labctl.store.disk import replace_file

if TYPE_CHECKING:
    from labctl.station.core import StationCore

REPORTS_MAX = 50
"""Reports of one life of the station: the same bug again tells nothing new (I14)."""
log = logging.getLogger(__name__)


def scrubbed(text: str) -> str:
    """Return a text without tokens and control characters."""
    text = TOKEN_SHAPE.sub("<token>", text)
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


class CrashReports:
    """Writes ``<data>/station/crash-<moment>-<number>.txt``."""

    def __init__(self, core: StationCore) -> None:
        self._core = core
        self._count = 0

    async def keep(self, error: BaseException, doing: str) -> str:
        """Write a report of a bug and return its name; never fails, because it is called when all else has."""
        self._count += 1
        now = self._core.clock.link.utc()
        name = f"crash-{now:%Y%m%dT%H%M%S}-{self._count}.txt"
        lines = "".join(traceback.format_exception(error))
        log.error("bug doing=%r report=%s error=%r", scrubbed(doing), name, scrubbed(repr(error)))
        if self._count > REPORTS_MAX:
            return f"(one of more than {REPORTS_MAX})"
        text = scrubbed(f"labctl {__version__}\n{now.isoformat()}\n{doing}\n\n{lines}")
        root = self._core.root
        try:
            path = root.path / FOLDER / name
            await self._core.worker.call(replace_file, root.disk, path, text.encode("utf-8", "replace"))
        except OSError as problem:
            log.error("report not written name=%s why=%r", name, str(problem))
        return name
