"""A stop that comes while a measurement is being put together: nothing may energise the cell behind it (I20)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.errors import InstrumentError
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.base import EXCHANGE_TIMEOUT_S, Transport

SWEEP = Peis(FrequencySweep(1.0, 0.01, 5), 0.01, settle_s=5.0)
LATE_S = 0.2
"""So much later comes what was just to be sent: whatever overtakes it has been done by then."""


class Overtaken(TappedPipe):
    """A pipe on which something happens just before one of the writes."""

    def __init__(self, inner: Transport, clock: Clock, happen: Callable[[int], bool]) -> None:
        super().__init__(inner, clock)
        self._link = clock.link
        self._happen = happen
        self._writes = 0

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        self._writes += 1
        if self._happen(self._writes):
            await self._link.sleep(LATE_S)
        await super().write(data, timeout_s)


@pytest.mark.parametrize("verb", ["cell_off", "close"])
@pytest.mark.parametrize("write", range(1, 34))
def test_whenever_a_stop_comes_the_cell_is_off_and_stays_off(write: int, verb: str, stand_of: Any) -> None:
    armed: list[Callable[[], Awaitable[None]]] = []
    stops: list[asyncio.Task[None]] = []
    begun: list[int] = []

    async def stop(driver: Any) -> None:
        try:
            await getattr(driver, verb)()
        except InstrumentError:
            await driver.open()  # what was not sure is made sure

    def happen(number: int) -> bool:
        if not armed or number != begun[0] + write or stops:
            return False
        stops.append(asyncio.get_running_loop().create_task(armed[0]()))  # type: ignore[arg-type]
        return True

    pipes: list[Overtaken] = []

    def through(pipe: Transport, clock: Clock) -> Transport:
        if pipes:
            return pipe  # the stop lane
        pipes.append(Overtaken(pipe, clock, happen))
        return pipes[0]

    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        begun.append(pipes[0]._writes)
        armed.append(lambda: stop(driver))
        try:
            async for _ in (await driver.measure(SWEEP)).blocks():
                if stops and stops[0].done():
                    break
        except InstrumentError:
            pass
        assert stops, "it was never stopped"
        await stops[0]
        switched = kit.energised
        assert not kit.cell_on()
        await clock.plant.sleep(30.0)
        assert not kit.cell_on()
        assert kit.energised == switched

    stand_of(starts_late_s=0.0).play(story, through=through)


def test_a_stop_leaves_at_once_although_a_reading_hangs(stand: Any) -> None:
    pipes: list[TappedPipe] = []

    def through(pipe: Transport, clock: Clock) -> Transport:
        pipes.append(TappedPipe(pipe, clock))
        return pipes[-1]

    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        main, stop = pipes
        await driver.cell_off()
        async with asyncio.TaskGroup() as group:
            main.hung = True
            reading = group.create_task(hung_read(driver))
            await clock.link.sleep(0.1)
            sent = stop.sent
            stopping = group.create_task(driver.cell_off())
            await clock.link.sleep(0.3)
            assert stop.sent > sent
            main.hung = False
            await reading
            await stopping  # on a new link, because the reading has lost the old one
        assert (await driver.read()).cell_on is False

    async def hung_read(driver: Any) -> None:
        with pytest.raises(InstrumentError):
            await driver.read()

    stand.play(story, through=through)
