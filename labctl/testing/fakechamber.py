"""A temperature chamber made of arithmetic, for engine tests in jump mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from labctl.clock import Clock
from labctl.errors import LinkTimeout
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality


@dataclass(slots=True)
class FakeAir:
    """The air of a chamber, outliving a killed process: a ramp towards the set point, closed form."""

    temperature_degC: float = 23.0
    setpoint_degC: float = 25.0
    on: bool = False
    rate_K_per_s: float = 0.1
    since_s: float = 0.0
    writes: list[float] = field(default_factory=list)
    reading: Callable[[float, ChamberReading], ChamberReading] | None = None
    """May replace what is read at a plant time: faults."""

    def at(self, now_s: float) -> float:
        """Return the temperature at a plant time."""
        target = self.setpoint_degC if self.on else 23.0
        way_K = target - self.temperature_degC
        moved_K = min(abs(way_K), self.rate_K_per_s * (now_s - self.since_s))
        return self.temperature_degC + (moved_K if way_K > 0 else -moved_K)

    def turn(self, now_s: float, setpoint_degC: float, on: bool) -> None:
        """Change set point and switch."""
        self.temperature_degC, self.since_s = self.at(now_s), now_s
        self.setpoint_degC, self.on = setpoint_degC, on


class FakeChamber:
    """A ``TemperatureChamber`` on a ``FakeAir``; ``lost(number)`` may make the exchange of that number fail."""

    def __init__(
        self, air: FakeAir, clock: Clock, name: str = "oven", lost: Callable[[int], bool] | None = None
    ) -> None:
        self.name = name
        self.air = air
        self.reads = 0
        self._exchanges = 0
        self._lost = lost or (lambda number: False)
        self._clock = clock

    async def _exchange(self, operation: str) -> None:
        self._exchanges += 1
        with self._clock.busy():
            await self._clock.link.sleep(0)
            if self._lost(self._exchanges):
                await self._clock.link.sleep(3.0)
                raise LinkTimeout("no answer", instrument=self.name, operation=operation, elapsed_s=3.0)

    async def open(self) -> None:
        await self._exchange("open")

    async def close(self) -> None:
        return None

    async def read(self) -> ChamberReading:
        await self._exchange("read")
        self.reads += 1
        now_s = self._clock.plant.now_s()
        air = self.air
        reading = ChamberReading(
            air.at(now_s),
            Quality.GOOD,
            state=ChamberState.ON if air.on else ChamberState.OFF,
            setpoint_degC=air.setpoint_degC,
        )
        return reading if air.reading is None else air.reading(now_s, reading)

    async def set(self, temperature_degC: float, ramp_K_per_min: float | None = None) -> None:
        await self._exchange("set")
        self.air.writes.append(temperature_degC)
        self.air.turn(self._clock.plant.now_s(), temperature_degC, True)

    async def off(self) -> None:
        await self._exchange("off")
        self.air.turn(self._clock.plant.now_s(), self.air.setpoint_degC, False)
