"""A clock whose wall time can be set wrong and whose computer can sleep, around any other clock (F15, F16)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime, timedelta

from labctl.adminlink import Pace
from labctl.clock import Clock, ClockMode, LinkTime, PlantTime, Timer


class SkewedLink:
    """Link time whose UTC is off by ``skew_s()`` seconds; its durations are those of the clock below."""

    def __init__(self, inner: LinkTime, skew_s: Callable[[], float]) -> None:
        self._inner = inner
        self._skew_s = skew_s

    def now_s(self) -> float:
        """Return monotonic seconds."""
        return self._inner.now_s()

    async def sleep(self, duration_s: float) -> None:
        """Wait."""
        await self._inner.sleep(duration_s)

    def timeout(self, duration_s: float | None) -> AbstractAsyncContextManager[object]:
        """Limit a block."""
        return self._inner.timeout(duration_s)

    def call_at(self, t_s: float, call: Callable[[], None]) -> Timer:
        """Call later."""
        return self._inner.call_at(t_s, call)

    def utc(self) -> datetime:
        """Return what the wall clock says, right or wrong."""
        return self._inner.utc() + timedelta(seconds=self._skew_s())


class SkewedClock:
    """Both times of a process on a computer whose wall clock somebody sets and whose lid somebody closes."""

    def __init__(self, inner: Clock, skew_s: Callable[[], float], slept_s: Callable[[], float]) -> None:
        self._inner = inner
        self._slept_s = slept_s
        self.link: LinkTime = SkewedLink(inner.link, skew_s)

    @property
    def mode(self) -> ClockMode:
        """Return how plant time moves."""
        return self._inner.mode

    @property
    def pace(self) -> Pace:
        """Return how fast the plant's time goes."""
        return self._inner.pace

    @property
    def plant(self) -> PlantTime:
        """Return the time of the plant."""
        return self._inner.plant

    def asleep_s(self) -> float:
        """Return for how long the computer has slept: what the clock below says, and the lid that we closed."""
        return self._inner.asleep_s() + self._slept_s()

    def busy(self, *, thread: bool = False) -> AbstractContextManager[None]:
        """Hold plant time."""
        return self._inner.busy(thread=thread)
