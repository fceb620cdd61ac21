"""The raw frames of instruments and chambers, for who wants to read them: written out, and put into words."""

from __future__ import annotations

from collections.abc import Callable

from labctl.engine.station import Instrument, Station
from labctl.engine.wires import FrameKeeper
from labctl.interfaces.frames import ExplainsFrames, FrameText
from labctl.worker import Worker

Explain = Callable[[bytes, bool], FrameText]
"""Says what bytes are; True: they were sent."""


class Frames:
    """Frames by the name of an instrument or chamber; every method raises UserInputError for another name."""

    def __init__(self, station: Station, worker: Worker) -> None:
        self._station = station
        self._worker = worker

    async def write_out(self, name: str) -> FrameKeeper | None:
        """Write what waits in memory; None where frames are not kept."""
        keeper = self._station.device(name).wire
        if keeper is not None:
            await keeper.write_out(self._worker)
        return keeper

    def explainer(self, name: str) -> Explain:
        """Return what says in a line what raw bytes are; without words of the driver, how many they are."""
        device = self._station.device(name)
        driver = device.cycler if isinstance(device, Instrument) else device.chamber
        if not isinstance(driver, ExplainsFrames):
            return lambda data, sent: FrameText(f"{len(data)} bytes")
        explains: ExplainsFrames = driver
        return lambda data, sent: explains.explain(data, sent=sent)
