"""The examiner of cycler drivers on the Neware driver and the simulated BTS, and on drivers with planted mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.config.station import DeviceEntry
from labctl.engine.station import build_cycler
from labctl.errors import RefusedError
from labctl.interfaces.cycler import Cycler, DeviceProgram, LiveReading, Place
from labctl.model.ids import TestId
from labctl.model.record import DeviceBlock
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.conformance import CASES, Setup, check_cycler
from labctl.transport.base import Transport
from labctl.transport.memory import Endpoint, MemoryTransport


class Valve:
    """An endpoint that can be made to hang: it takes everything and answers nothing."""

    def __init__(self, endpoint: Endpoint, shut: Callable[[], bool]) -> None:
        self._endpoint = endpoint
        self._shut = shut

    def receive(self, data: bytes) -> bytes:
        return b"" if self._shut() else self._endpoint.receive(data)


class NewareRig:
    """The Neware driver on a simulated BTS; the bench's truth log is the eye from outside."""

    place = "1-1"

    def __init__(self, bench: VirtualBench, clock: Clock, steps: Path) -> None:
        self._bench = bench
        self._hangs = False
        self._lanes = 0
        options = {"devid": 33, "step_folder": str(steps), "units": {"1": "5V10mA"}}
        entry = DeviceEntry("neware", "neware-bts", "mem://neware", driver_options=options)
        self.cycler: Cycler = build_cycler(entry, clock, lambda resource: self._connect(resource, clock))

    def _connect(self, resource: str, clock: Clock) -> Transport:
        self._lanes += 1
        normal = self._lanes == 1
        name = resource.removeprefix("mem://")
        return MemoryTransport(
            lambda: Valve(self._bench.connect(name), lambda: normal and self._hangs), clock, name
        )

    def _truth(self) -> dict[str, Any]:
        return self._bench.admin({"do": "truth", "slot": "neware:1-1"})

    def energised(self) -> bool:
        return bool(self._truth()["status"] == "working")

    def changes(self) -> int:
        return len(self._truth()["commands"])

    def hang(self) -> None:
        self._hangs = True


Spoil = Callable[[NewareRig], None]


def setups(folder: Path, spoil: Spoil | None = None) -> Callable[[], Setup]:
    """Return a maker of fresh benches with a fresh driver each; ``spoil`` plants a mistake in the driver."""
    folder.mkdir(exist_ok=True)

    def make() -> Setup:
        bench = open_virtual_bench(small_bench({"cell_id": "C101"}))

        def rig(clock: Clock) -> NewareRig:
            made = NewareRig(bench, clock, folder)
            if spoil is not None:
                spoil(made)
            return made

        return Setup(rig, bench, current_A=0.785398e-3)

    return make


@pytest.mark.parametrize("case", list(CASES))
def test_neware_driver_keeps_the_rules_of_a_cycler(case: str, tmp_path: Path) -> None:
    report = check_cycler(setups(tmp_path), only=[case])
    assert not report.problems, str(report)
    assert report.kept == (case,)


class Wrapped:
    """The right driver; a subclass gets one thing wrong."""

    def __init__(self, inner: Cycler) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Unordered(Wrapped):
    """Answers in an order of its own."""

    async def live(self, places: Sequence[Place]) -> tuple[LiveReading, ...]:
        return await self._inner.live(sorted(places))


class Holed(Wrapped):
    """Asks for one row too far at the second page."""

    async def records(
        self, place: Place, test_id: TestId, after_sequence: int, up_to: int | None = None
    ) -> DeviceBlock:
        after_sequence += after_sequence == 1000
        return await self._inner.records(place, test_id, after_sequence, up_to)


class Eager(Wrapped):
    """Starts whatever it is told to, by stopping what runs."""

    async def start(self, place: Place, program: DeviceProgram, *, barcode: str) -> TestId:
        try:
            return await self._inner.start(place, program, barcode=barcode)
        except RefusedError:
            await self._inner.stop(place)
            return await self._inner.start(place, program, barcode=barcode)


class OneLane(Wrapped):
    """Asks on the normal lane whether a stop makes sense."""

    async def stop(self, place: Place) -> None:
        await self._inner.progress([place])
        await self._inner.stop(place)


class Stopping(Wrapped):
    """Stops everything when it is closed."""

    async def close(self) -> None:
        await self._inner.stop_all()
        await self._inner.close()


class Wordy(Wrapped):
    """Says something new each time."""

    said = 0

    async def identify(self) -> str:
        self.said += 1
        return f"{await self._inner.identify()} ({self.said})"


class Blind(Wrapped):
    """Believes a stop without looking, and sends none."""

    async def stop(self, place: Place) -> None:
        await self._inner.progress([place])


class Unfenced(Wrapped):
    """Does not ask before it starts."""

    def fence(self, check: Callable[[], None]) -> None:
        return None


class Trusting(Wrapped):
    """Believes a pause and a skip without sending them."""

    async def pause(self, place: Place) -> None:
        await self._inner.progress([place])

    async def skip_to(self, place: Place, device_step: int) -> None:
        await self._inner.progress([place])

    async def pause_at(self, place: Place, device_step: int) -> None:
        await self._inner.progress([place])

    def same_device(self, known: str, now: str, place: Place | None = None) -> bool:
        return True


@pytest.mark.parametrize(
    ("mistake", "case"),
    [
        (Unordered, "live and progress answer one per place in the order asked"),
        (Holed, "records come gap-free at 0, 1, 999, 1000 and 1001 rows"),
        (Eager, "a running channel is not started, an idle one not stopped"),
        (OneLane, "the stop lane works while the normal lane hangs"),
        (Stopping, "closing the driver leaves the test alone"),
        (Wordy, "it says what it is, in one line and always the same"),
        (Unfenced, "nothing energising passes a shut fence, a stop does"),
        (Trusting, "it knows itself again, and nothing else"),
        (Trusting, "a pause holds the step, and going on ends it"),
        (Trusting, "a reserved pause comes before its step"),
        (Trusting, "a skip is seen in the step that was asked for"),
        (Blind, "a stop is confirmed, keeps the rows and frees the channel"),
    ],
)
def test_examiner_has_teeth(mistake: type[Wrapped], case: str, tmp_path: Path) -> None:
    def spoil(rig: NewareRig) -> None:
        wrapped: Any = mistake(rig.cycler)
        rig.cycler = wrapped

    report = check_cycler(setups(tmp_path, spoil), only=[case])
    assert list(report.problems) == [case]
    assert case in str(report)
