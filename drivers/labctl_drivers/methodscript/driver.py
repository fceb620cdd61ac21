"""A MethodSCRIPT potentiostat: identifies, refuses what its model cannot do, measures, and switches the cell off.

The first act on every opened link is ``Z`` and then a script that switches the cell off, whatever is there: after a
lost link nobody knows what still runs. How the cell switch is read: the open-circuit potential can only be measured
with the cell off (error 0014), so that its measurement is the read-back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from statistics import fmean

from labctl.clock import Clock
from labctl.errors import InstrumentError, RefusedError, UnknownStateError, UsageError, WireError
from labctl.interfaces.cycler import SilencePolicy
from labctl.interfaces.frames import FrameText
from labctl.interfaces.potentiostat import (
    DcBlock,
    Measurement,
    PotentiostatCapabilities,
    PotentiostatIdentity,
    PotentiostatReading,
)
from labctl.model.spectrum import AmplitudeKind, PointFlag
from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
    Technique,
)
from labctl.transport.base import Transport
from labctl_drivers.methodscript import script
from labctl_drivers.methodscript.collecting import flags_of, head_for
from labctl_drivers.methodscript.explain import explain
from labctl_drivers.methodscript.faults import NOT_ON_THIS_MODEL, OCP_WITH_CELL_ON
from labctl_drivers.methodscript.measurement import ScriptMeasurement
from labctl_drivers.methodscript.messages import Package
from labctl_drivers.methodscript.models import Model, model_of
from labctl_drivers.methodscript.options import MethodScriptOptions, with_usual_line
from labctl_drivers.methodscript.plan import plan_for
from labctl_drivers.methodscript.refusing import POINTS_MAX, refusals, refusals_at
from labctl_drivers.methodscript.wire import DeviceRefusal, Wire, named

log = logging.getLogger(__name__)

GLANCE = Ocv(duration_s=0.2, interval_s=0.1)
"""The shortest look at the open-circuit potential: reads the cell switch back."""

OCV_INTERVAL_S = 0.1
OCV_MEAN_S = 1.0
"""The mean of the last second is the open-circuit potential of a spectrum (2.1.7, 2)."""

SET_DECIMALS_V = 6
"""Potentials are set to 1 uV, far below the step of any of these instruments."""

FEATURE_BITS: dict[type, int] = {
    CyclicVoltammetry: 24,
    Chronoamperometry: 28,
    Ocv: 30,
    Peis: 31,
    Chronopotentiometry: 67,
    Geis: 70,
}
"""Bits of the answer to ``CM`` (2.1.2) [S]; a linear sweep has none that is known."""

_VERSION = re.compile(r"t(\S{6})([^#\n]*)#?([^\n]*)\n(.?)")
_FEATURES = re.compile(r"M?([0-9A-Fa-f]+)")


class MethodScriptPotentiostat:
    """Implements ``labctl.interfaces.potentiostat.Potentiostat``."""

    def __init__(
        self,
        name: str,
        resource: str,
        options: MethodScriptOptions,
        clock: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._name = name
        self._options = options
        self.clock = clock
        self.wire = Wire(connect(with_usual_line(resource)), clock, options.reply_timeout_s)
        self.turn = asyncio.Lock()
        self._identity: PotentiostatIdentity | None = None
        self._model: Model | None = None
        self._offered: frozenset[type] = frozenset()
        self._measurement: ScriptMeasurement | None = None

    @property
    def name(self) -> str:
        """Return the name from the station file."""
        return self._name

    def explain(self, data: bytes, *, sent: bool) -> FrameText:
        """Say in one line what raw bytes are."""
        return explain(data, sent=sent)

    async def open(self) -> PotentiostatIdentity:
        """Connect, end what runs, switch the cell off, identify, read the cell switch back.

        Raises: RefusedError for the bootloader, an unknown model or another instrument than before;
        UnknownStateError where the cell is still on; LinkError. The link is closed then.
        """
        async with self.turn:
            if self.wire.is_open and self._identity is not None:
                return self._identity
            try:
                await self.wire.open()
                await self._begin()
            except InstrumentError as error:
                await self.wire.close()
                raise named(error, self._name, "open") from error.__cause__
            except asyncio.CancelledError:
                await self.wire.close()  # half of a conversation is none: the next open begins anew
                raise
            assert self._identity is not None
            return self._identity

    async def close(self) -> None:
        """Switch the cell off and disconnect. Never raises: what could not be done is logged."""
        measurement = self._measurement
        try:
            if measurement is not None and not measurement.is_over:
                await measurement.abort()
            elif self.wire.is_open:
                async with self.turn:
                    await self.wire.run(script.CELL_OFF)
        except InstrumentError as error:
            log.error("cell off not confirmed at close instrument=%s error=%s", self._name, error)
        finally:
            await self.wire.close()

    def capabilities(self) -> PotentiostatCapabilities:
        """Return what the identified model can do. Raises UsageError before ``open``."""
        model = self._identified()
        mode = model.dc[0]
        ladder = mode.readable()
        return PotentiostatCapabilities(
            model=model.name,
            techniques=self._offered,
            potential_min_V=min(one.potential_min_V for one in model.dc),
            potential_max_V=max(one.potential_max_V for one in model.dc),
            ranges_A=tuple(full_A for full_A, _ in ladder),
            readable_A=tuple(readable_A for _, readable_A in ladder),
            current_max_A=model.current_max_A,
            eis_min_Hz=model.eis_min_Hz,
            eis_max_Hz=model.eis_max_Hz,
            amplitude_min_V=model.amplitude_min_V,
            amplitude_max_V=model.amplitude_max_V,
            points_max=POINTS_MAX,
            native_amplitude=AmplitudeKind.RMS,
            silence=SilencePolicy.DEVICE_GOES_ON,
            watchdog=False,
            notes=(
                f"no watchdog: a script drives the cell for at most {self._options.step_max_s:g} s, then ends by itself"
                + (f" (allowed by {self._options.step_max_by})" if self._options.step_max_by else ""),
                *(f"{limit}: {why}" for limit, why in model.unknown.items()),
            ),
        )

    def refusals(self, technique: Technique) -> tuple[str, ...]:
        """Return every reason why this model cannot do that; sends nothing. Raises UsageError before ``open``."""
        return refusals(technique, self._identified(), self._offered, self._options)

    async def read(self) -> PotentiostatReading:
        """Read the potential with the cell off; while a measurement runs, return its latest point.

        Where the cell is on although nothing runs the reading says so. Raises InstrumentError.
        """
        if self._measurement is not None and not self._measurement.is_over:
            return self._latest(self._measurement)
        async with self._talking("read"):
            try:
                packages = await self.wire.run(self._glance(), GLANCE.duration_s)
            except DeviceRefusal as refusal:
                if refusal.fault.code != OCP_WITH_CELL_ON:
                    raise
                return PotentiostatReading(math.nan, math.nan, True, math.nan, False, refusal.problem)
        return PotentiostatReading(_mean_V(packages), 0.0, False, math.nan, _overloaded(packages))

    async def cell_off(self) -> None:
        """Abort what runs, switch the cell off, read it back. Raises UnknownStateError, LinkError."""
        if self._measurement is not None and not self._measurement.is_over:
            await self._measurement.abort()
        async with self._talking("cell off"):
            await self.make_safe()

    async def measure(self, technique: Technique) -> Measurement:
        """Begin a technique. Raises UsageError with every reason before a byte is sent, InstrumentError."""
        self._insist(self.refusals(technique))
        if self._measurement is not None and not self._measurement.is_over:
            raise UsageError("a measurement is under way", instrument=self._name, operation="measure")
        async with self._talking("measure"):
            measurement = self._measurement = await self._prepared(technique)
        await measurement.begin()
        return measurement

    async def make_safe(self) -> float:
        """Switch the cell off by a script, and confirm it. The caller has the turn."""
        await self.wire.run(script.CELL_OFF)
        return await self._read_back()

    async def confirm_off(self) -> float:
        """Read back that the cell is off; where it is not, switch it off once more. The caller has the turn."""
        try:
            return await self._read_back()
        except UnknownStateError as error:
            log.error("cell still on after a script instrument=%s error=%s", self._name, error)
            return await self.make_safe()

    async def _begin(self) -> None:
        """Make the device safe before anything else is asked (2.1.8), then find out what it is."""
        await self.wire.halt()
        refusal: DeviceRefusal | None = None
        try:
            await self.wire.run(script.CELL_OFF)
        except DeviceRefusal as error:
            refusal = error  # a bootloader knows no scripts: what it is says more than this
        version = await self.wire.ask("t")
        model = model_of(version[1:7]).with_limits(self._options.limits)
        if refusal is not None:
            raise UnknownStateError(f"it refused to switch the cell off: {refusal.problem}") from refusal
        serial = await self._twice("i") or ""
        if self._identity is not None and serial != self._identity.serial:
            raise RefusedError(
                f"another instrument answers: serial number {serial}, it was {self._identity.serial}",
                vendor_text=serial,
            )
        self._model = model
        self._offered = await self._features(model)
        self._identity = PotentiostatIdentity("PalmSens", model.name, serial, _firmware(version))
        await self._read_back()

    async def _twice(self, command: str) -> str | None:
        """Ask twice, and return the answer without its first letter; None where the device has no such command.

        This wire has no checksum, and an identity misread once would shut the instrument out. Raises WireError.
        """
        answers: list[str | None] = []
        for _ in range(2):
            try:
                answers.append((await self.wire.ask(command))[1:].strip())
            except DeviceRefusal as refusal:
                log.info("not told instrument=%s command=%s error=%s", self._name, command, refusal)
                answers.append(None)
        first, second = answers
        if first != second:
            raise WireError(
                f"{command} is answered with {first!r} and then {second!r}", rule="2.1.2: answers"
            )
        return first

    async def _features(self, model: Model) -> frozenset[type]:
        """Return the techniques of the model that its firmware has, as far as it tells."""
        offered: set[type] = {Ocv, Chronoamperometry, LinearSweep, CyclicVoltammetry, Peis}
        if model.galvanostat is not None:
            offered |= {Chronopotentiometry, Geis}
        answer = await self._twice("CM")
        found = _FEATURES.fullmatch(answer) if answer is not None else None
        mask = int(found[1], 16) if found else 0
        if not mask:
            return frozenset(offered)
        return frozenset(
            kind for kind in offered if kind not in FEATURE_BITS or mask >> FEATURE_BITS[kind] & 1
        )

    async def _read_back(self) -> float:
        """Return the open-circuit potential, which proves that the cell is off. Raises UnknownStateError."""
        try:
            return _mean_V(await self.wire.run(self._glance(), GLANCE.duration_s))
        except DeviceRefusal as refusal:
            if refusal.fault.code == OCP_WITH_CELL_ON:
                raise UnknownStateError("the instrument says that the cell is still on") from refusal
            if refusal.fault.code in NOT_ON_THIS_MODEL:
                log.warning("cell switch cannot be read back instrument=%s error=%s", self._name, refusal)
                return math.nan
            raise

    async def _prepared(self, technique: Technique) -> ScriptMeasurement:
        """Return the measurement, armed; measures the open circuit before a spectrum. Raises as ``measure``."""
        model = self._identified()
        if self._measurement is not None and not self._measurement.is_over:
            raise UsageError("a measurement is under way")
        ocv_V = await self._open_circuit_V() if isinstance(technique, Peis | Geis) else math.nan
        e_dc_V = 0.0
        if isinstance(technique, Peis):
            e_dc_V = technique.e_dc_V + (ocv_V if technique.e_dc_vs == "ocv" else 0.0)
            e_dc_V = round(e_dc_V, SET_DECIMALS_V)  # what is sent is what is stored
            self._insist(refusals_at(technique, e_dc_V, model))
        plan = plan_for(technique, model, e_dc_V, self._options.eis_opt)
        head = head_for(technique, plan, self._name, model, self.clock.plant.utc().isoformat())
        return ScriptMeasurement(self, plan, model, replace(head, ocv_before_V=ocv_V))

    async def _open_circuit_V(self) -> float:
        """Return the mean of the last second with the cell off. Raises RefusedError where it cannot be read."""
        technique = Ocv(max(self._options.ocv_s, 2 * OCV_INTERVAL_S), OCV_INTERVAL_S)
        plan = plan_for(technique, self._identified())
        packages = await self.wire.run(plan.lines, technique.duration_s)
        last = packages[-round(OCV_MEAN_S / OCV_INTERVAL_S) :]
        e_V = _mean_V(last)
        if not math.isfinite(e_V) or _overloaded(last):
            raise RefusedError("the open-circuit potential is beyond what it can read, or cannot be read")
        return e_V

    def _glance(self) -> tuple[str, ...]:
        model = self._identified()
        return script.ocv(GLANCE, model.dc[0], model, after_cell_off=False)

    def _latest(self, measurement: ScriptMeasurement) -> PotentiostatReading:
        block, words = measurement.last, "a measurement is under way"
        cell_on = not isinstance(measurement.technique, Ocv)
        if not isinstance(block, DcBlock):
            return PotentiostatReading(math.nan, math.nan, cell_on, math.nan, False, words)
        overload = bool(block.flags[-1] & (PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E))
        return PotentiostatReading(
            float(block.e_V[-1]), float(block.i_A[-1]), cell_on, math.nan, overload, words
        )

    def _identified(self) -> Model:
        if self._model is None:
            raise UsageError("nobody knows its model before it is open", instrument=self._name)
        return self._model

    def _insist(self, reasons: tuple[str, ...]) -> None:
        if reasons:
            raise UsageError(" ".join(reasons), instrument=self._name, operation="measure")

    @asynccontextmanager
    async def _talking(self, operation: str) -> AsyncIterator[None]:
        """Hold the turn; after anything that leaves the wire unclear close it, so that the next open makes safe."""
        async with self.turn:
            try:
                yield
            except (RefusedError, UsageError) as error:
                raise named(error, self._name, operation) from error.__cause__
            except InstrumentError as error:
                await self.wire.close()
                raise named(error, self._name, operation) from error.__cause__
            except asyncio.CancelledError:
                await self.wire.close()
                raise


def _mean_V(packages: list[Package]) -> float:
    values = [found.value for package in packages if (found := package.find("ab", "da")) is not None]
    return fmean(values) if values else math.nan


def _overloaded(packages: list[Package]) -> bool:
    return any(PointFlag.OVERLOAD_E in flags_of(None, package.find("ab", "da")) for package in packages)


def _firmware(version: str) -> str:
    found = _VERSION.match(version)
    if found is None:
        raise WireError(f"no version: {version!r}", data=version.encode(), rule="2.1.2: answer to t")
    _, digits, built, letter = found.groups()
    return " ".join(part for part in (digits, letter, built.strip()) if part)
