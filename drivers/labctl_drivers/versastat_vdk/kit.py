"""The vendor's calls as the driver uses them, with the lease kept: two lanes to one bridge.

Source of every call: potentiostat.md 2.2.1 and 2.2.3. ``SetAutoIRangeOff`` is not among them and never will be: on the
public bridge it switches the cell on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from labctl.clock import Clock
from labctl.errors import LinkError, RefusedError, WireError
from labctl.model.spectrum import FloatArray
from labctl_drivers.versastat_vdk.actions import Action
from labctl_drivers.versastat_vdk.codec import Value, number
from labctl_drivers.versastat_vdk.collecting import Rows
from labctl_drivers.versastat_vdk.lane import BridgeFault, Caller, Lane

log = logging.getLogger(__name__)

SLICE_MAX = 2000
"""Points fetched in one call: an array of that many doubles is some 100 kB of XML."""

ENDINGS = ("Stop", "SetCellOff")
"""What ends everything, in this order."""

ALL_FETCHED = -1
"""What ``GetNumPointsAvailable`` answers when the sequence has ended and every point has been fetched."""


class Kit:
    """One instrument behind one bridge. One task at a time may call anything but ``stop_now``."""

    def __init__(self, main: Lane, stop: Lane, clock: Clock, lease_s: float) -> None:
        self._main = main
        self._stop = stop
        self._clock = clock
        self._lease_s = lease_s
        self._stopping = asyncio.Lock()
        self._renewed: tuple[float, float] | None = None  # link and plant moment
        self.caller = Caller("", "", "")
        self.has_lease = False

    @property
    def is_open(self) -> bool:
        """Tell whether the lane of ordinary calls is open."""
        return self._main.is_open

    async def open(self) -> None:
        """Open both lanes: the one that stops must not have to be opened when it is needed. Raises LinkError."""
        await self.open_main()
        await self.open_stop()

    async def open_main(self) -> None:
        """Open the lane of ordinary calls. Raises LinkError."""
        self._renewed = None
        await self._main.open()

    async def open_stop(self) -> None:
        """Open the lane that stops, unless it is open. Raises LinkError."""
        async with self._stopping:
            if not self._stop.is_open:
                await self._stop.open()

    async def close(self) -> None:
        """Close both lanes; a stop on its way is let out first."""
        self._renewed = None
        await self._main.close()
        async with self._stopping:
            await self._stop.close()

    async def call(self, method: str, *parameters: Value) -> Value:
        """Return what a call answers. Raises as ``Lane.call``."""
        return await self._main.call(self.caller, method, *parameters)

    # -- the lease

    async def hold(self) -> None:
        """Take the lease or renew it, at once. Raises BridgeFault where another client has it."""
        if not self.has_lease:
            return
        await self.call("BridgeLease", float(self._lease_s))
        self._renewed = (self._clock.link.now_s(), self._clock.plant.now_s())

    async def keep(self) -> None:
        """Renew the lease where a third of it has passed, by either time. Raises as ``hold``."""
        third_s = self._lease_s / 3.0
        if self._renewed is not None:
            link_s, plant_s = self._renewed
            now_s = self._clock.link.now_s(), self._clock.plant.now_s()
            if now_s[0] - link_s < third_s and now_s[1] - plant_s < third_s:
                return
        await self.hold()

    async def give_back(self) -> None:
        """End the lease. Raises as ``call``."""
        if self.has_lease:
            await self.call("BridgeLease", 0.0)
            self._renewed = None

    # -- reading

    async def whole(self, method: str, *parameters: Value) -> int:
        """Return a whole number. Raises: WireError, as ``call``."""
        value = number(await self.call(method, *parameters))
        if not value.is_integer():
            raise WireError(f"{method} answers {value!r}, no whole number", rule="2.2.1")
        return int(value)

    async def truth(self, method: str, *parameters: Value) -> bool:
        """Return yes or no. Raises: WireError, as ``call``."""
        value = await self.call(method, *parameters)
        if not isinstance(value, bool):
            raise WireError(f"{method} answers {value!r}, neither yes nor no", rule="2.2.1")
        return value

    async def text(self, method: str) -> str:
        """Return a text; a number is written out."""
        value = await self.call(method)
        return str(value).strip()

    async def value(self, method: str) -> float:
        """Return a number, NaN where the device has none. Raises: WireError, as ``call``."""
        return number(await self.call(method))

    async def cell_is_on(self) -> bool:
        """Read the cell switch back. Raises as ``truth``."""
        await self.call("UpdateStatus")
        return await self.truth("GetCellEnabled")

    async def overload(self) -> int:
        """Return 0 (none), 1 (current) or 2 (potential, amplifier, heat), as it is now. Raises as ``whole``."""
        await self.call("UpdateStatus")
        return await self.whole("GetOverload")

    # -- sequences

    async def prepare(self, actions: Sequence[Action]) -> None:
        """Put a sequence together. Raises: RefusedError naming the action that was not taken."""
        await self.call("Clear")
        for action in actions:
            parameters = () if action.text is None else (action.text,)
            if not await self.truth(action.method, *parameters):
                words = f"{action.method}({', '.join(parameters)})"
                raise RefusedError(f"the instrument does not take {words}", vendor_text=words)

    async def rows(self, columns: Sequence[str], start: int, count: int) -> Rows:
        """Fetch a slice of points. Raises: WireError where columns are of different lengths."""
        found = {name: await self._column(f"GetData{name}", start, count) for name in columns}
        lengths = {column.size for column in found.values()}
        if lengths != {count}:
            told = ", ".join(f"{name} {column.size}" for name, column in found.items())
            raise WireError(f"{count} points were asked for, and there came {told}", rule="2.2.1: GetData")
        return found

    async def _column(self, method: str, start: int, count: int) -> FloatArray:
        values = await self.call(method, start, count)
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise WireError(f"{method} answers {values!r}, no array", rule="2.2.1: GetData")
        return np.array([number(value) for value in values], dtype=np.float64)

    # -- the end

    async def make_safe(self, has_experiment: bool) -> None:
        """Stop what runs and switch the cell off. Both are tried, whatever the first answers. Raises as ``call``."""
        await _all_of(self.call, ENDINGS if has_experiment else ENDINGS[1:])

    async def stop_now(self) -> None:
        """Stop and switch off on the lane of its own, whatever the other waits for. Raises LinkError, RefusedError.

        A lane that was closed meanwhile, by a firewall for example, is opened anew once: nothing here energises.
        """
        async with self._stopping:
            await _all_of(self._stop_call, ENDINGS)

    async def _stop_call(self, method: str) -> Value:
        if self._stop.is_open:
            try:
                return await self._stop.call(self.caller, method)
            except LinkError as error:
                log.warning("stop lane lost, opening it anew: %s", error)
        await self._stop.open()
        return await self._stop.call(self.caller, method)


async def _all_of(call: Callable[[str], Awaitable[Value]], methods: Sequence[str]) -> None:
    """Make every call although one before it was refused; then raise the first refusal."""
    refused: BridgeFault | None = None
    for method in methods:
        try:
            await call(method)
        except BridgeFault as fault:
            refused = refused or fault
    if refused is not None:
        raise refused
