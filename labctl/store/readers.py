"""Read runs while they are written, from another thread than the one that writes, without starting anew each time.

A log that is being filled grows to some megabytes of small frames. Whoever asks for its newest rows every second
reads on from a mark near them; marks are kept every 64 kB. They are only hints: where the frame at a mark is not the
one that was seen there, the log is read whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path

from labctl.errors import StoreError
from labctl.model.record import RecordBlock
from labctl.store import folder as run_folder
from labctl.store.disk import Disk
from labctl.store.frames import FrameKind, scan, unpack_all
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader

STRIDE_BYTES = 64 * 1024
LOGS_MAX = 4096
"""Logs whose marks are kept, some hundred bytes each (I14)."""
FOLDERS_MAX = 16_384


class LogMarks:
    """Where rows lie in live logs: (byte offset, first sequence) of a frame every 64 kB. Belongs to one thread."""

    def __init__(self) -> None:
        self._marks: OrderedDict[Path, list[tuple[int, int]]] = OrderedDict()

    def rows(self, disk: Disk, path: Path, first: int) -> RecordBlock | None:
        """Return the rows from ``first`` on (some before it may come too), None where the log must be read whole.

        Raises: OSError.
        """
        marks = self._marks.setdefault(path, [(0, 0)])
        self._marks.move_to_end(path)
        while len(self._marks) > LOGS_MAX:
            self._marks.popitem(last=False)
        place = bisect_right(marks, first, key=lambda mark: mark[1]) - 1
        offset, sequence = marks[place]
        found = scan(disk.read_part(path, offset, (disk.size(path) or 0) - offset))
        frames = [frame for frame in found.frames if frame.kind is FrameKind.RECORDS]
        moved = bool(sequence) and (
            not frames or frames[0].start != 0 or frames[0].first_sequence != sequence
        )
        if found.damages or moved:
            self._marks.pop(path)
            return None
        for frame in frames:
            if offset + frame.start >= marks[-1][0] + STRIDE_BYTES:
                marks.append((offset + frame.start, frame.first_sequence))
        return run_folder.once_each(unpack_all(frames)[0])


class Readers:
    """Gives readers of a root's runs that share what they know of folders and logs. Belongs to one thread."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._marks = LogMarks()
        self._folders: OrderedDict[str, Path] = OrderedDict()

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run. Raises: StoreError naming similar ids when there is none."""
        known = self._folders.get(run_id)
        if known is None:
            known = self._folders[run_id] = self._root.run_folder(run_id)
            while len(self._folders) > FOLDERS_MAX:
                self._folders.popitem(last=False)
        return known

    def of(self, run_id: str) -> RunReader:
        """Return a reader of a run as it is now. Raises: StoreError."""
        try:
            return RunReader(self.folder(run_id), disk=self._root.disk, marks=self._marks)
        except StoreError:
            self._folders.pop(run_id, None)
            raise
