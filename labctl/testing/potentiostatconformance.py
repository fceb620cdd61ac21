"""Examines any ``Potentiostat`` driver against any instrument, simulated or real, by what a caller can see.

A driver's author hands over a function that makes a fresh ``PotentiostatSetup``; each case gets one of its own::

    report = check_potentiostat(make)
    assert not report.problems, report

What it asks for is written in ``labctl.interfaces.potentiostat`` and in potentiostat.md. The instrument carries a dummy
cell whose impedance is known: 10 ohm in series with (100 ohm parallel 100 uF) unless the setup says otherwise. The same
suite examines a simulator: play it with a driver that is known to be right.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from labctl.clock import Clock, ClockMode, run_with_clock
from labctl.errors import InstrumentError, RefusedError, UsageError
from labctl.interfaces.potentiostat import (
    AttendedMeasurement,
    Block,
    DcBlock,
    Measurement,
    MeasurementState,
    Potentiostat,
    PotentiostatCapabilities,
)
from labctl.model.spectrum import FloatArray, PointFlag, Spectrum
from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    FrequencySweep,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
    Technique,
)
from labctl.testing.conformance import STOP_BYTES_WITHIN_S, Nonconformity, Report
from labctl.testing.potentiostatrig import AttendedRig, PotentiostatRig, PotentiostatSetup

B = TypeVar("B", DcBlock, Spectrum)

ABORTED_WITHIN_S = 10.0
"""Link seconds until an abort has been seen through; the first byte of it goes out at once."""
LOST_WITHIN_S = 5.0
"""Link seconds until a lost link has been noticed."""
PERSON_S = 0.5
"""Link seconds between two looks of a person at what is asked."""
SECONDS_MORE = 600.0
"""Link seconds after which a case that hangs is given up."""


def check_potentiostat(
    make: Callable[[], PotentiostatSetup],
    *,
    only: Sequence[str] = (),
    cases: Mapping[str, Case] | None = None,
) -> Report:
    """Play every case, or those named, each on a fresh setup. Raises nothing that a driver did wrong."""
    kept: list[str] = []
    problems: dict[str, str] = {}
    for name, case in (CASES if cases is None else cases).items():
        if only and name not in only:
            continue
        setup = make()
        try:
            run_with_clock(setup.clock, _opened(case, setup), bench=setup.bench)
        except (Nonconformity, InstrumentError, TimeoutError, ExceptionGroup) as error:
            first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            problems[name] = f"{type(first).__name__}: {first}"
        else:
            kept.append(name)
    return Report(tuple(kept), problems)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a case plays on: rig, clock and what hangs on the instrument."""

    rig: PotentiostatRig
    clock: Clock
    setup: PotentiostatSetup

    @property
    def driver(self) -> Potentiostat:
        return self.rig.potentiostat

    @property
    def able(self) -> PotentiostatCapabilities:
        return self.rig.potentiostat.capabilities()

    async def all_of(self, technique: Technique, kind: type[B]) -> tuple[Measurement, list[B]]:
        """Measure to the end, and insist on what every end has in common."""
        before = self.rig.energisings()
        measurement = await self.driver.measure(technique)
        async with self.person_beside(measurement):
            blocks = [block async for block in measurement.blocks()]
        insist(
            measurement.state is MeasurementState.DONE, f"it ends as {measurement.state.value}, not as done"
        )
        insist(not self.rig.cell_on(), "the cell is on after the end")
        energised, right_count = self.rig.energisings() - before, 0 if isinstance(technique, Ocv) else 1
        insist(energised == right_count, f"the cell was switched on {energised} times")
        right = [block for block in blocks if isinstance(block, kind)]
        insist(len(right) == len(blocks) > 0, f"{type(technique).__name__} does not deliver {kind.__name__}")
        rows = sum(len(block.flags) for block in blocks)
        insist(
            rows == measurement.points_got,
            f"{rows} points were delivered, points_got says {measurement.points_got}",
        )
        insist(measurement.remaining_s in (0.0, None), "time remains after the end")
        return measurement, right

    @asynccontextmanager
    async def person_beside(self, measurement: Measurement) -> AsyncIterator[None]:
        """Let the rig's person do and confirm what an attended measurement asks for, while the block runs."""
        rig = self.rig
        if not (isinstance(measurement, AttendedMeasurement) and isinstance(rig, AttendedRig)):
            yield
            return

        async def serve() -> None:
            while True:
                asked = measurement.asked
                if asked is not None and rig.act(asked):
                    measurement.confirm("the examiner")
                await self.clock.link.sleep(PERSON_S)

        async with asyncio.TaskGroup() as group:
            person = group.create_task(serve())
            yield
            person.cancel()


Case = Callable[[Scene], Awaitable[None]]


def _opened(case: Case, setup: PotentiostatSetup) -> Callable[[Clock], Coroutine[Any, Any, None]]:
    async def main(clock: Clock) -> None:
        scene = Scene(setup.rig(clock), clock, setup)
        await scene.driver.open()
        try:
            async with clock.link.timeout(SECONDS_MORE if clock.mode is not ClockMode.JUMP else None):
                await case(scene)
        finally:
            scene.rig.hang(False)
            await scene.driver.close()
        insist(not scene.rig.cell_on(), "the cell is on after close")

    return main


def insist(condition: bool, text: str) -> None:
    """Raise Nonconformity with ``text`` unless the condition holds."""
    if not condition:
        raise Nonconformity(text)


def _column(blocks: Sequence[Block], name: str) -> FloatArray:
    return np.concatenate([getattr(block, name) for block in blocks])


def _close(values: FloatArray, wanted: FloatArray | float, tolerance: float, what: str) -> None:
    worst = float(np.max(np.abs(values - wanted)))
    insist(worst <= tolerance, f"{what} is wrong by {worst:.3g}, more than {tolerance:.3g}")


# -- what it is, and direct current ------------------------------------------------------------------------------------


async def _identity(scene: Scene) -> None:
    identity, able = await scene.driver.open(), scene.able
    insist(bool(scene.driver.name and identity.model and identity.maker), "name, maker or model is empty")
    insist(able.model == identity.model, "capabilities are of another model")
    insist(
        able.potential_min_V < able.potential_max_V and able.eis_min_Hz < able.eis_max_Hz,
        "limits do not enclose anything",
    )
    insist(len(able.ranges_A) == len(able.readable_A), "each range needs its readable current")
    insist(
        scene.rig.energisings() == 0 and not scene.rig.cell_on(), "opening or identifying energises the cell"
    )


async def _ocv(scene: Scene) -> None:
    _, blocks = await scene.all_of(Ocv(2.0, 0.5), DcBlock)
    e_V, setup = _column(blocks, "e_V"), scene.setup
    _close(e_V, setup.ocv_V, setup.ocv_tolerance_V, "the open-circuit potential in V")
    insist(bool(np.all(_column(blocks, "i_A") == 0.0)), "a current flows at open circuit")
    insist(bool(np.all(_column(blocks, "scan") == 0)), "open circuit has no scans")


async def _reading(scene: Scene) -> None:
    before = scene.rig.energisings()
    reading = await scene.driver.read()
    insist(reading.cell_on is not True, "a cell that is off reads as on")
    await scene.driver.cell_off()
    await scene.driver.cell_off()
    insist(scene.rig.energisings() == before and not scene.rig.cell_on(), "reading energises the cell")


async def _steps(scene: Scene) -> None:
    if Chronoamperometry not in scene.able.techniques:
        return
    drive_V, ohm = scene.setup.drive_V, scene.setup.resistance_ohm
    technique = Chronoamperometry(((drive_V, 2.0), (-drive_V, 2.0)), 0.5)
    measurement, blocks = await scene.all_of(technique, DcBlock)
    i_A, elapsed_s = _column(blocks, "i_A"), _column(blocks, "elapsed_s")
    half = len(i_A) // 2
    expected = measurement.points_expected
    insist(expected is not None and abs(len(i_A) - expected) <= 2, f"{len(i_A)} points, not {expected}")
    right_A = drive_V / ohm
    allowed_A = scene.setup.tolerance * right_A + 1e-9
    # the first point of a step may still hold what charges the cell
    _close(i_A[1:half], right_A, allowed_A, "the anodic current, positive, in A")
    _close(i_A[half + 1 :], -right_A, allowed_A, "the cathodic current in A")
    insist(bool(np.all(np.diff(elapsed_s) > 0) and elapsed_s[0] >= 0), "elapsed time does not grow")


async def _limit(scene: Scene) -> None:
    if Chronoamperometry not in scene.able.techniques:
        return
    drive_V = scene.setup.drive_V
    limit_A = 0.5 * drive_V / scene.setup.resistance_ohm
    technique = Chronoamperometry(((drive_V / 10, 2.0), (drive_V, 600.0)), 0.5, i_limit_A=limit_A)
    _, blocks = await scene.all_of(technique, DcBlock)
    insist(_column(blocks, "elapsed_s")[-1] < 60.0, "it goes on beyond its current limit")


async def _currents(scene: Scene) -> None:
    if Chronopotentiometry not in scene.able.techniques:
        return
    drive_A, ohm = scene.setup.drive_A, scene.setup.resistance_ohm
    technique = Chronopotentiometry(((drive_A, 2.0), (-drive_A, 2.0)), 0.5)
    _, blocks = await scene.all_of(technique, DcBlock)
    e_V = _column(blocks, "e_V")
    half = len(e_V) // 2
    _close(e_V[1:half], drive_A * ohm, 1e-3 * drive_A * ohm, "the potential at an anodic current, in V")
    _close(e_V[half + 1 :], -drive_A * ohm, 1e-3 * drive_A * ohm, "the potential at a cathodic current, in V")


async def _sweeps(scene: Scene) -> None:
    drive_V, ohm, rate = scene.setup.drive_V, scene.setup.resistance_ohm, 0.1
    charging_A = 2 * scene.setup.capacitance_F * rate + 1e-3 * drive_V / ohm
    if LinearSweep in scene.able.techniques:
        _, blocks = await scene.all_of(LinearSweep(-drive_V, drive_V, rate, drive_V / 10), DcBlock)
        e_V = _column(blocks, "e_V")
        insist(bool(np.all(np.diff(e_V) > 0)), "a ramp upwards does not rise")
        insist(abs(len(e_V) - 21) <= 1, f"{len(e_V)} points, not 21")
        _close(_column(blocks, "i_A")[1:], e_V[1:] / ohm, charging_A, "the current of a ramp in A")
    if CyclicVoltammetry in scene.able.techniques:
        technique = CyclicVoltammetry(0.0, drive_V, -drive_V, 0.0, rate, drive_V / 10, cycles=3)
        _, blocks = await scene.all_of(technique, DcBlock)
        e_V, scan = _column(blocks, "e_V"), _column(blocks, "scan")
        insist(set(scan.tolist()) == {1, 2, 3}, f"scans are numbered {sorted(set(scan.tolist()))}")
        insist(bool(np.all(np.diff(scan) >= 0)), "scans are out of order")
        _close(np.array([e_V.max(), e_V.min()]), np.array([drive_V, -drive_V]), 1e-3, "a vertex in V")


# -- impedance ---------------------------------------------------------------------------------------------------------


async def _impedance(scene: Scene) -> None:
    if Peis not in scene.able.techniques:
        return
    setup = scene.setup
    technique = Peis(setup.sweep, setup.amplitude_rms_V, settle_s=1.0)
    measurement, blocks = await scene.all_of(technique, Spectrum)
    _judge(setup, technique, measurement, blocks)
    amplitude_V = _column(blocks, "e_ac_rms_V")
    told_V = amplitude_V[np.isfinite(amplitude_V)]
    if len(told_V):
        _close(told_V, setup.amplitude_rms_V, 0.1 * setup.amplitude_rms_V, "the amplitude in V rms (peak?)")
    e_dc_V = _column(blocks, "e_dc_V")
    if not (scene.able.attended and np.isnan(e_dc_V).all()):  # files write 0 for what they do not tell
        _close(e_dc_V, setup.ocv_V, setup.ocv_tolerance_V, "the potential of the sweep in V")


async def _galvanostatic(scene: Scene) -> None:
    if Geis not in scene.able.techniques:
        return
    technique = Geis(scene.setup.sweep, scene.setup.amplitude_rms_A, settle_s=1.0)
    measurement, blocks = await scene.all_of(technique, Spectrum)
    _judge(scene.setup, technique, measurement, blocks)


def _judge(
    setup: PotentiostatSetup, technique: Peis | Geis, measurement: Measurement, blocks: Sequence[Spectrum]
) -> None:
    frequency_Hz, z_ohm = _column(blocks, "frequency_Hz"), np.concatenate([block.z_ohm for block in blocks])
    wanted_Hz = technique.sweep.frequencies_Hz()
    insist(len(z_ohm) == len(wanted_Hz) == measurement.points_expected, f"{len(z_ohm)} points came")
    _close(frequency_Hz / wanted_Hz, 1.0, 1e-2, "a frequency, against what was asked for, relative")
    truth_ohm = setup.z_ohm(frequency_Hz)
    insist(bool(np.all(z_ohm.imag < 0)), "Z'' of a capacitive cell is not negative")
    _close(np.abs(z_ohm - truth_ohm) / np.abs(truth_ohm), 0.0, setup.tolerance, "Z, relative to |Z|,")
    starts_s, ends_s = _column(blocks, "t_start_s"), _column(blocks, "t_end_s")
    insist(bool(np.all(ends_s > starts_s) and np.all(np.diff(ends_s) > 0)), "the times of points do not grow")
    flags = np.concatenate([block.flags for block in blocks])
    insist(not np.any(flags & ~np.uint8(PointFlag.RANGE_CHANGED)), "points of a quiet dummy cell are flagged")
    insist(blocks[0].head.model != "", "a spectrum does not say which model took it")


# -- refusals and bad ends ---------------------------------------------------------------------------------------------


async def _refused(scene: Scene) -> None:
    able, sweep = scene.able, scene.setup.sweep
    beyond_Hz = FrequencySweep(able.eis_max_Hz * 1.1, sweep.f_end_Hz, 5)
    below_Hz = FrequencySweep(sweep.f_start_Hz, able.eis_min_Hz / 2, 1)
    impossible: list[Technique] = [
        Peis(beyond_Hz, scene.setup.amplitude_rms_V, 0.0, "ref"),
        Peis(below_Hz, scene.setup.amplitude_rms_V, 0.0, "ref"),
        Peis(sweep, able.amplitude_max_V * 1.5, 0.0, "ref"),
        Peis(sweep, scene.setup.amplitude_rms_V, able.potential_max_V + 1.0, "ref"),
        Peis(sweep, math.nan, 0.0, "ref"),
        Chronoamperometry(((able.potential_min_V - 1.0, 1.0),), 0.5),
        Chronoamperometry((), 0.5),
        Chronopotentiometry(((2 * able.current_max_A, 1.0),), 0.5),
        LinearSweep(0.0, able.potential_max_V + 1.0, 0.1, 0.01),
        Ocv(-1.0),
    ]
    before = scene.rig.sent()
    for technique in impossible:
        insist(bool(scene.driver.refusals(technique)), f"{technique} is not refused")
        try:
            await scene.driver.measure(technique)
        except UsageError:
            continue
        raise Nonconformity(f"{technique} is begun")
    insist(scene.rig.sent() == before, "something was sent before the refusal")
    insist(scene.rig.energisings() == 0, "a refused technique has energised the cell")
    possible = Peis(sweep, scene.setup.amplitude_rms_V)
    insist(Peis not in able.techniques or not scene.driver.refusals(possible), "what can be done is refused")


async def _slow_one(scene: Scene) -> Measurement:
    technique = Peis(scene.setup.slow, scene.setup.amplitude_rms_V, settle_s=0.0)
    return await scene.driver.measure(technique)


async def _collect(measurement: Measurement, into: list[Block]) -> InstrumentError | None:
    try:
        async for block in measurement.blocks():
            into.append(block)
    except InstrumentError as error:
        return error
    return None


async def _until_points(scene: Scene, measurement: Measurement) -> None:
    for _ in range(1000):
        if measurement.points_got >= 2:
            return
        await scene.clock.plant.sleep(1.0)
    raise Nonconformity("no points come")


async def _aborted(scene: Scene) -> None:
    measurement = await _slow_one(scene)
    got: list[Block] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_collect(measurement, got))
        await _until_points(scene, measurement)
        insist(scene.rig.cell_on(), "no cell is driven in the middle of a sweep")
        begin_s = scene.clock.link.now_s()
        await measurement.abort()
        took_s = scene.clock.link.now_s() - begin_s
        error = await reading
    insist(error is None, f"an abort ends with an error: {error}")
    insist(took_s <= ABORTED_WITHIN_S, f"an abort takes {took_s:.1f} s")
    insist(not scene.rig.cell_on(), "the cell is on after an abort")
    insist(measurement.state is MeasurementState.ABORTED, f"an aborted one says {measurement.state.value}")
    rows = sum(len(block.flags) for block in got)
    insist(rows == measurement.points_got >= 2, "points that came before an abort are lost")
    await measurement.abort()
    await scene.all_of(Ocv(1.0, 0.5), DcBlock)


async def _left(scene: Scene) -> None:
    measurement = await _slow_one(scene)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_collect(measurement, []))
        await _until_points(scene, measurement)
        reading.cancel()
    await scene.clock.link.sleep(ABORTED_WITHIN_S if scene.clock.mode is ClockMode.JUMP else 0.1)
    insist(not scene.rig.cell_on(), "the cell is on although nobody listens any more")
    await scene.all_of(Ocv(1.0, 0.5), DcBlock)


async def _closed(scene: Scene) -> None:
    await _slow_one(scene)
    insist(scene.rig.cell_on(), "no cell is driven in the middle of a sweep")
    await scene.driver.close()
    insist(not scene.rig.cell_on(), "the cell is on after close")
    await scene.driver.close()
    await scene.driver.open()
    await scene.all_of(Ocv(1.0, 0.5), DcBlock)


async def _lost(scene: Scene) -> None:
    measurement = await _slow_one(scene)
    got: list[Block] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_collect(measurement, got))
        await _until_points(scene, measurement)
        begin_s = scene.clock.link.now_s()
        scene.rig.cut()
        error = await reading
    took_s = scene.clock.link.now_s() - begin_s
    insist(error is not None, "a lost link is no error")
    insist(took_s <= LOST_WITHIN_S, f"a lost link is noticed after {took_s:.1f} s")
    insist(measurement.state is MeasurementState.FAILED, f"it says {measurement.state.value}")
    insist(sum(len(block.flags) for block in got) == measurement.points_got >= 2, "points are lost")
    energised = scene.rig.energisings()
    await scene.driver.open()
    insist(not scene.rig.cell_on(), "the cell is on after the link has come back")
    insist(scene.rig.energisings() == energised, "coming back energises the cell")
    await scene.all_of(Ocv(1.0, 0.5), DcBlock)


async def _silent(scene: Scene) -> None:
    scene.rig.hang(True)
    try:
        await scene.driver.read()
    except InstrumentError:
        pass
    else:
        raise Nonconformity("an instrument that answers nothing is read all the same")
    scene.rig.hang(False)
    await scene.driver.open()
    await scene.all_of(Ocv(1.0, 0.5), DcBlock)


async def _stop_lane(scene: Scene) -> None:
    measurement = await _slow_one(scene)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_collect(measurement, []))
        await _until_points(scene, measurement)
        scene.rig.hang(True)
        before = scene.rig.sent()
        aborting = group.create_task(_abort_somehow(measurement))
        await scene.clock.link.sleep(STOP_BYTES_WITHIN_S)
        insist(scene.rig.sent() > before, f"no byte of an abort leaves within {STOP_BYTES_WITHIN_S} s")
        scene.rig.hang(False)
        await aborting
        await reading
    await scene.driver.open()
    await scene.driver.cell_off()
    insist(not scene.rig.cell_on(), "the cell is on after an abort on a bad link")


async def _abort_somehow(measurement: Measurement) -> InstrumentError | None:
    try:
        await measurement.abort()
    except InstrumentError as error:
        return error
    return None


async def _alone(scene: Scene) -> None:
    measurement = await _slow_one(scene)
    try:
        await scene.driver.measure(Ocv(1.0, 0.5))
    except (UsageError, RefusedError):
        pass
    else:
        raise Nonconformity("a second measurement begins in the middle of the first")
    await measurement.abort()


CASES: dict[str, Case] = {
    "it says what it is and can do, and opening energises nothing": _identity,
    "open circuit is measured without energising anything": _ocv,
    "reading and switching off may be done at any time": _reading,
    "potential steps: anodic current is positive and obeys Ohm": _steps,
    "a step ends at its current limit": _limit,
    "current steps: anodic current gives a positive potential": _currents,
    "ramps rise, and cycles are numbered from 1": _sweeps,
    "a spectrum of the dummy cell is its formula, Z'' signed, amplitude rms, points exact": _impedance,
    "a galvanostatic spectrum is the same": _galvanostatic,
    "what the model cannot do is refused before anything is sent": _refused,
    "an abort switches the cell off at once and keeps the points": _aborted,
    "a measurement that nobody listens to any more switches the cell off": _left,
    "closing in mid-run switches the cell off": _closed,
    "a lost link is told, and the cell is off once it is back": _lost,
    "silence is an error, and a reopened link works": _silent,
    "the first byte of an abort leaves at once, although nothing answers": _stop_lane,
    "only one measurement runs at a time": _alone,
}
