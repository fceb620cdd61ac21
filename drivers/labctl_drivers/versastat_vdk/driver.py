"""A VersaSTAT or PARSTAT behind the bridge: identifies, refuses what its model cannot do, measures, switches off.

The first act on every opened link is ``Stop`` and ``SetCellOff``, read back by ``UpdateStatus`` and
``GetCellEnabled``: after a lost link nobody knows what still runs. The bridge's lease is the watchdog: it is taken when
something begins and renewed by whoever reads.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from labctl.clock import Clock
from labctl.errors import InstrumentError, RefusedError, UnknownStateError, UsageError, UserFileError
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
from labctl_drivers.versastat_vdk.actions import MEASURE_OPEN_CIRCUIT
from labctl_drivers.versastat_vdk.collecting import head_for
from labctl_drivers.versastat_vdk.explain import explain
from labctl_drivers.versastat_vdk.finding import Found, find, token_of
from labctl_drivers.versastat_vdk.kit import Kit
from labctl_drivers.versastat_vdk.lane import Caller, Lane, named
from labctl_drivers.versastat_vdk.measurement import SequenceMeasurement
from labctl_drivers.versastat_vdk.models import RANGES, range_of_text
from labctl_drivers.versastat_vdk.options import VdkOptions, resource_parts
from labctl_drivers.versastat_vdk.plan import plan_for
from labctl_drivers.versastat_vdk.refusing import POINTS_MAX, refusals, refusals_at
from labctl_drivers.versastat_vdk.waiting import until_idle, until_running

log = logging.getLogger(__name__)

DC_TECHNIQUES = frozenset({Ocv, Chronoamperometry, Chronopotentiometry, LinearSweep, CyclicVoltammetry})
EIS_TECHNIQUES = frozenset({Peis, Geis})

SET_DECIMALS_V = 6
"""Potentials are set to 1 uV, far below the step of any of these instruments."""


class VdkPotentiostat:
    """Implements ``labctl.interfaces.potentiostat.Potentiostat``."""

    def __init__(
        self,
        name: str,
        resource: str,
        options: VdkOptions,
        clock: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._name = name
        self.options = options
        self.clock = clock
        pipe, self._host, self._path = resource_parts(resource)
        main, stop = (Lane(connect(pipe), clock, options.reply_timeout_s) for _ in range(2))
        self.kit = Kit(main, stop, clock, options.lease_s)
        self.turn = asyncio.Lock()
        self._client = options.client or f"{name}-{secrets.token_hex(8)}"
        self._found: Found | None = None
        self._measurement: SequenceMeasurement | None = None
        self._stops = 0
        """How often it was told to switch off: what was being prepared before is not begun behind that."""

    @property
    def name(self) -> str:
        """Return the name from the station file."""
        return self._name

    def explain(self, data: bytes, *, sent: bool) -> FrameText:
        """Say in one line what raw bytes are."""
        return explain(data, sent=sent)

    async def open(self) -> PotentiostatIdentity:
        """Connect, stop what runs, switch the cell off and read it back, identify.

        Raises: RefusedError for a wrong token, another client's lease, an unknown model or another instrument than
        before; UnknownStateError where the cell is still on; LinkError; UserInputError for a token file that cannot be
        read. The link is closed then.
        """
        async with self.turn:
            if self.kit.is_open and self._found is not None:
                return self._found.identity
            try:
                await self._connect()
            except InstrumentError as error:
                if isinstance(
                    error, RefusedError
                ):  # the bridge hears us: the next client need not wait for the lease
                    with suppress(InstrumentError):
                        await self.kit.give_back()
                await self.kit.close()
                raise named(error, self._name, "open") from error.__cause__
            except (asyncio.CancelledError, UserFileError):
                await self.kit.close()  # half of a conversation is none: the next open begins anew
                raise
            assert self._found is not None
            return self._found.identity

    async def close(self) -> None:
        """Switch the cell off and disconnect. Never raises: what could not be done is logged."""
        self._stops += 1
        measurement = self._measurement
        try:
            if measurement is not None and not measurement.is_over:
                await measurement.abort()
            if self.kit.is_open:
                async with self.turn:
                    await self._off()
                    if self._found is not None and self._found.has_experiment:
                        await self.kit.call("Close")
                    await self.kit.give_back()
        except InstrumentError as error:
            log.error("cell off not confirmed at close instrument=%s error=%s", self._name, error)
        finally:
            await self.kit.close()

    def capabilities(self) -> PotentiostatCapabilities:
        """Return what the identified model can do. Raises UsageError before ``open``."""
        found = self._identified()
        model = found.model
        ladder = tuple(sorted(RANGES.values()))
        if self.kit.has_lease:
            watched = (
                f"watchdog: the bridge switches the cell off {self.options.lease_s:g} s after the last call"
            )
        else:
            watched = "no watchdog: this server knows no lease"
        return PotentiostatCapabilities(
            model=model.name,
            techniques=self._offered(),
            potential_min_V=model.potential_min_V,
            potential_max_V=model.potential_max_V,
            ranges_A=ladder,
            readable_A=ladder,
            current_max_A=model.current_max_A,
            eis_min_Hz=model.eis_min_Hz,
            eis_max_Hz=model.eis_max_Hz,
            amplitude_min_V=model.amplitude_min_V,
            amplitude_max_V=model.amplitude_max_V,
            points_max=POINTS_MAX,
            native_amplitude=AmplitudeKind.RMS,
            silence=SilencePolicy.OUTPUT_OFF if self.kit.has_lease else SilencePolicy.DEVICE_GOES_ON,
            watchdog=self.kit.has_lease,
            notes=(
                watched,
                *((self._why_not(),) if self._why_not() else ()),
                *(f"{limit}: {why}" for limit, why in model.unknown.items()),
            ),
        )

    def refusals(self, technique: Technique) -> tuple[str, ...]:
        """Return every reason why this model cannot do that; sends nothing. Raises UsageError before ``open``."""
        return refusals(technique, self._identified().model, self._offered(), self._why_not(), self.options)

    async def read(self) -> PotentiostatReading:
        """Read potential, current, cell switch; while a measurement runs, return its latest point.

        Raises InstrumentError.
        """
        if self._measurement is not None and not self._measurement.is_over:
            return self._latest(self._measurement)
        async with self._talking("read"):
            kit = self.kit
            await kit.hold()
            overload = await kit.overload()
            return PotentiostatReading(
                e_V=await kit.value("GetE"),
                i_A=await kit.value("GetI"),
                cell_on=await kit.truth("GetCellEnabled"),
                range_A=range_of_text(await kit.text("GetIRange")),
                overload=overload != 0,
            )

    async def cell_off(self) -> None:
        """Abort what runs, switch the cell off, read it back. Raises UnknownStateError, LinkError."""
        self._stops += 1
        if self._measurement is not None and not self._measurement.is_over:
            await self._measurement.abort()
        elif self.turn.locked() and self.kit.is_open:
            await self._stop_past_others()
        async with self._talking("cell off"):
            if self._found is None:
                raise UsageError("nobody knows what to switch off before it is open")
            await self.make_safe()

    async def _stop_past_others(self) -> None:
        """Stop on the lane of its own, because another call has the turn and may hang."""
        try:
            await self.kit.stop_now()
        except InstrumentError as error:
            # the read-back that follows is what counts
            log.warning("stop not confirmed instrument=%s error=%s", self._name, error)

    async def measure(self, technique: Technique) -> Measurement:
        """Begin a technique. Raises UsageError with every reason before a byte is sent, InstrumentError."""
        self._insist(self.refusals(technique))
        if self._measurement is not None and not self._measurement.is_over:
            raise UsageError("a measurement is under way", instrument=self._name, operation="measure")
        stops = self._stops
        async with self._talking("measure"):
            measurement = await self._prepared(technique)
            if self._stops != stops:
                raise RefusedError("it was told to switch off while this was being prepared")
            self._measurement = measurement
        await measurement.begin()
        return measurement

    async def make_safe(self) -> None:
        """Stop, switch off, read back, also on a link that must be opened anew. The caller has the turn."""
        if not self.kit.is_open:
            await self.kit.open_main()
        await self._off()

    async def open_circuit_V(self) -> float:
        """Let the instrument measure its open circuit with the cell off, and return it. The caller has the turn.

        Raises: RefusedError where the sequence does not begin or end, LinkError.
        """
        await self.kit.hold()
        await self.kit.prepare((MEASURE_OPEN_CIRCUIT,))
        await self.kit.call("Start")
        await until_running(self.kit, self.clock)
        await until_idle(self.kit, self.clock)
        return await self.kit.value("GetLastMeasuredOC")

    async def _connect(self) -> None:
        token = token_of(self.options.token_file)
        self.kit.caller = Caller(self._host, self._path, self._client, token)
        await self.kit.open()
        found = await find(self.kit, self.options)
        before = self._found
        if before is not None and before.identity.serial != found.identity.serial:
            raise RefusedError(
                f"another instrument answers: serial number {found.identity.serial}, it was {before.identity.serial}",
                vendor_text=found.identity.serial,
            )
        self._found = found

    async def _off(self) -> None:
        """Stop, switch the cell off and read it back. Raises UnknownStateError, LinkError."""
        has_experiment = self._found is None or self._found.has_experiment
        await self.kit.hold()
        await self.kit.make_safe(has_experiment)
        if await self.kit.cell_is_on():
            raise UnknownStateError("the instrument says that the cell is still on")

    async def _prepared(self, technique: Technique) -> SequenceMeasurement:
        """Return the measurement, armed; measures the open circuit before a spectrum. Raises as ``measure``."""
        model = self._identified().model
        if self._measurement is not None and not self._measurement.is_over:
            raise UsageError("a measurement is under way")
        await self.kit.hold()
        await self.kit.open_stop()
        ocv_V, e_dc_V = math.nan, 0.0
        if isinstance(technique, Peis | Geis):
            ocv_V = await self.open_circuit_V()
            if not math.isfinite(ocv_V):
                raise RefusedError("the open-circuit potential cannot be read")
        if isinstance(technique, Peis):
            e_dc_V = technique.e_dc_V + (ocv_V if technique.e_dc_vs == "ocv" else 0.0)
            e_dc_V = round(e_dc_V, SET_DECIMALS_V)  # what is sent is what is stored
            self._insist(refusals_at(technique, e_dc_V, model))
        plan = plan_for(technique, self.options, e_dc_V)
        head = head_for(technique, self._name, model, self.clock.plant.utc().isoformat())
        return SequenceMeasurement(self, plan, replace(head, ocv_before_V=ocv_V))

    def _offered(self) -> frozenset[type]:
        found = self._identified()
        if not found.has_experiment:
            return frozenset()
        return DC_TECHNIQUES | (EIS_TECHNIQUES if found.has_eis else frozenset())

    def _why_not(self) -> str:
        found = self._identified()
        if not found.has_experiment:
            return "this server has no Experiment calls: labctl's bridge is needed"
        return "" if found.has_eis else "impedance is not among its options"

    def _latest(self, measurement: SequenceMeasurement) -> PotentiostatReading:
        block, words = measurement.last, "a measurement is under way"
        cell_on = not isinstance(measurement.technique, Ocv)
        if block is None:
            return PotentiostatReading(math.nan, math.nan, cell_on, math.nan, False, words)
        overload = bool(block.flags[-1] & (PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E))
        if isinstance(block, DcBlock):
            e_V, i_A, range_A = block.e_V[-1], block.i_A[-1], math.nan
        else:
            e_V, i_A, range_A = block.e_dc_V[-1], block.i_dc_A[-1], float(block.range_A[-1])
        return PotentiostatReading(float(e_V), float(i_A), cell_on, range_A, overload, words)

    def _identified(self) -> Found:
        if self._found is None:
            raise UsageError("nobody knows its model before it is open", instrument=self._name)
        return self._found

    def _insist(self, reasons: tuple[str, ...]) -> None:
        if reasons:
            raise UsageError(" ".join(reasons), instrument=self._name, operation="measure")

    @asynccontextmanager
    async def _talking(self, operation: str) -> AsyncIterator[None]:
        """Hold the turn; after anything that leaves the link unclear close it, so that the next open makes safe."""
        async with self.turn:
            try:
                yield
            except (RefusedError, UsageError) as error:
                raise named(error, self._name, operation) from error.__cause__
            except InstrumentError as error:
                await self.kit.close()
                raise named(error, self._name, operation) from error.__cause__
            except asyncio.CancelledError:
                await self.kit.close()
                raise
