"""A simulated disk that can be switched off under a process, fails when the plan wants it, and says what it met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.store.disk import DiskFile
from labctl.store.simdisk import PowerCut, SimulatedDisk

if TYPE_CHECKING:
    from labctl.testing.faultworld import Injected


class _TellingFile:
    """A file of the fault disk: notes errors for the plan."""

    def __init__(self, inner: DiskFile, disk: FaultDisk) -> None:
        self._inner = inner
        self._disk = disk

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        """Write; an error is noted and goes on its way."""
        try:
            self._inner.write(parts, offset)
        except OSError:
            self._disk.note_error("write")
            raise

    def truncate(self, size: int) -> None:
        """Cut the file."""
        self._inner.truncate(size)

    def sync(self) -> None:
        """Make it durable."""
        self._inner.sync()

    def close(self) -> None:
        """Close it."""
        self._inner.close()


class FaultDisk(SimulatedDisk):
    """A disk that can be switched off under a process, and counts what it was asked."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.dead = False
        self.cut_in: int | None = None
        self.on_cut: Callable[[], None] | None = None
        self.failing = 0
        self.blame: Injected | None = None
        """The fault behind an error of now."""
        self.on_error: Callable[[], None] | None = None

    def _operation(self, what: str, path: Path) -> None:
        if self.dead:
            raise PowerCut(what)
        if self.cut_in is not None:
            self.cut_in -= 1
            if self.cut_in <= 0 and self.on_cut is not None:
                self.cut_in = None
                self.on_cut()
                raise PowerCut(what)
        if self.failing > 0:
            self.failing -= 1
            self.note_error(f"{what} {path.name}")
            raise OSError(5, f"simulated error in {what}", str(path))
        self.ops += 1

    def note_error(self, what: str) -> None:
        """Say that an operation has failed."""
        if self.blame is not None and what not in self.blame.what:
            self.blame.hit = True
            self.blame.what += f", {what}"
            if self.on_error is not None:
                self.on_error()

    def create(self, path: Path) -> DiskFile:
        """Create a file that tells when it cannot be written."""
        return _TellingFile(super().create(path), self)

    def open(self, path: Path) -> DiskFile:
        """Open a file that tells when it cannot be written."""
        return _TellingFile(super().open(path), self)

    def after(self, *, power: bool) -> FaultDisk:
        """Return the disk as the next process finds it; ``power``: unsynced pages are forgotten by chance."""
        found = self.crash() if power else self.copy(seed=self._random.getrandbits(32))
        after = FaultDisk()
        after.__dict__.update(
            vars(found)
        )  # the disk as it is found, under the eyes of the next process's story
        return after
