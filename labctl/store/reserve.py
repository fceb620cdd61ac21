"""Room set aside for the runs that go on: a file that is given back when the volume is full, and not before (S5).

When the volume passes its high mark no run may start; those that run get the room of the reserve, which lasts them
24 hours: time for a person to come and make room.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.errors import StoreError
from labctl.store.root import DataRoot, SpaceLevel
from labctl.store.verify import STATION_FOLDER

FILE = "reserve.bin"
LASTS_S = 86_400.0
ROW_BYTES = 160
"""A row in the live log with its share of head and receipt, when five rows come in a block."""
RUN_BYTES = 4 * 1024 * 1024
"""Log room taken ahead, line files and the copy while a file is sealed, for each run."""
LEAST_BYTES = 64 * 1024 * 1024
GROWS_FROM = 0.9
"""A reserve within a tenth of what is needed is left alone: making it anew each time a run starts wears the disk."""


class ReserveState(StrEnum):
    """What has become of the reserve."""

    KEPT = "kept"
    RELEASED = "released"  # the volume is full: running runs use it
    NONE = "none"  # there is no room for it


@dataclass(frozen=True, slots=True)
class ReserveReport:
    """The reserve as it stands; ``text`` is a sentence where a person should know, else empty."""

    state: ReserveState
    size_bytes: int
    needed_bytes: int
    text: str = ""


class Reserve:
    """The reserve file of a data root. ``look`` blocks: call it in a worker, every few minutes and at start-up."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._path = root.path / STATION_FOLDER / FILE

    def look(self, runs: int, rows_per_s: float) -> ReserveReport:
        """Keep, make or give back the reserve for so many runs with so many rows in all each second.

        Raises: StoreError when the disk refuses anything but room.
        """
        needed = max(LEAST_BYTES, round(runs * RUN_BYTES + rows_per_s * LASTS_S * ROW_BYTES))
        try:
            size = self._root.disk.size(self._path) or 0
            space = self._root.space()
            if space.level is SpaceLevel.HIGH:
                return self._when_full(size, needed, space.free_bytes)
            if size >= GROWS_FROM * needed:
                return ReserveReport(ReserveState.KEPT, size, needed)
            return self._made(size, needed, space.free_bytes, space.total_bytes)
        except OSError as error:
            raise StoreError(f"Cannot look after the reserve {self._path}: {error}") from error

    def _when_full(self, size: int, needed: int, free: int) -> ReserveReport:
        if size and free < needed:
            self._root.disk.unlink(self._path)
            self._root.disk.sync_folder(self._path.parent)
            text = (
                f"the reserve of {size / 1e6:.0f} MB was given to the runs that go on; make room within a day"
            )
            return ReserveReport(ReserveState.RELEASED, 0, needed, text)
        state = ReserveState.KEPT if size else ReserveState.NONE
        return ReserveReport(
            state, size, needed, "" if size else "there is no reserve for the runs that go on"
        )

    def _made(self, size: int, needed: int, free: int, total: int) -> ReserveReport:
        """Make the reserve larger, unless that alone would bring the volume to its warning mark."""
        room = free + size - total // 10
        if room < needed:
            text = f"no reserve for the runs that go on: it needs {needed / 1e6:.0f} MB more than the volume can spare"
            return ReserveReport(ReserveState.KEPT if size else ReserveState.NONE, size, needed, text)
        self._root.disk.make_folder(self._path.parent)
        self._root.disk.allocate(self._path, needed)
        self._root.disk.sync_folder(self._path.parent)
        return ReserveReport(ReserveState.KEPT, needed, needed)
