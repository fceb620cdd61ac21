"""The driver of the 273A on tiny instruments: the suite on each link and analyser, and when things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from labctl_drivers.par273a import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import (
    InstrumentError,
    LinkTimeout,
    RefusedError,
    UnknownStateError,
    UsageError,
    UserInputError,
    WireError,
)
from labctl.interfaces.potentiostat import DcBlock, MeasurementState
from labctl.model.spectrum import PointFlag, Spectrum
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
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup, d1_ohm

MAKER = Callable[..., Any]
SETUPS: dict[str, tuple[dict[str, Any], float]] = {
    "lock-in behind the box": ({}, 1e-3),
    "FRA behind the box": ({"analyser": "solartron1260"}, 5e-4),
    "273A on RS-232, lock-in on Ethernet": ({"serial": True}, 1e-3),
    "one lane, CR, delimiter CR": ({"stop_lane": "shared", "terminator": "cr", "delimiter": 13}, 1e-3),
}


def play(main: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


async def rows(rig: Any, technique: Technique) -> list[Any]:
    measurement = await rig.potentiostat.measure(technique)
    return [block async for block in measurement.blocks()]


async def column(rig: Any, technique: Technique, name: str) -> list[float]:
    return list(np.concatenate([getattr(block, name) for block in await rows(rig, technique)]))


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("case", CASES)
def test_the_driver_keeps_each_case_on_tiny_instruments(case: str, setup: str, tiny_rig: MAKER) -> None:
    options, tolerance = SETUPS[setup]

    def make() -> PotentiostatSetup:
        return PotentiostatSetup(lambda clock: tiny_rig(clock, **options), tolerance=tolerance)

    report = check_potentiostat(make, only=[case])
    assert not report.problems, report
    assert report.kept == (case,)


# -- the wire ----------------------------------------------------------------------------------------------------------


def test_the_cell_is_switched_off_before_anything_else_is_said_to_the_instrument(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        rig.par.cell = True
        await rig.potentiostat.open()
        assert rig.par.heard[0] == "CELL 0"
        assert not rig.par.cell
        before = [
            line for line in rig.box.said if not line.startswith(("++savecfg", "++mode", "++auto", "++eo"))
        ]
        assert before[:2] == ["++read_tmo_ms 3000", "++addr 14"]

    play(main)


@pytest.mark.parametrize("terminator", [b"\r", b"\r\n"])
@pytest.mark.parametrize("delimiter", [44, 13])
@pytest.mark.parametrize("serial", [False, True])
def test_pa_6_terminators_delimiters_and_links_give_the_same_values(
    terminator: bytes, delimiter: int, serial: bool, tiny_rig: MAKER, tiny_par: MAKER
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(terminator=terminator), serial=serial, delimiter=delimiter)
        await rig.potentiostat.open()
        block = (await rows(rig, Chronoamperometry(((1.0, 0.1),), 0.1)))[0]
        assert block.e_V[0] == 1.0
        assert block.i_A[0] == pytest.approx(9.09e-3, rel=1e-3)

    play(main)


def test_pa_5_one_volt_on_the_dummy_cell_is_an_anodic_current_though_the_wire_counts_it_negative(
    tiny_rig: MAKER,
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        i_A = await column(rig, Chronoamperometry(((1.0, 0.2),), 0.1), "i_A")
        assert i_A == pytest.approx([9.09e-3] * 2, rel=1e-3)
        rig.par.mode, rig.par.cell, rig.par.e_mV = 2, True, 1000
        assert rig.par.word("READI").startswith(b"-909")

    play(main)


def test_pa_4_with_cell_enable_off_nothing_is_switched_on(tiny_rig: MAKER, tiny_par: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(enabled=False))
        await rig.potentiostat.open()
        with pytest.raises(RefusedError, match="CELL ENABLE"):
            await rig.potentiostat.measure(Chronoamperometry(((0.1, 1.0),), 0.5))
        assert rig.par.energised == 0
        assert "CELL ENABLE" in (await rig.potentiostat.read()).detail
        assert await column(rig, Ocv(0.2, 0.1), "e_V") == [0.0, 0.0]

    play(main)


@pytest.mark.parametrize("serial", [False, True])
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [("MODE 2", 2, "invalid command"), ("SETE 100", 3, "invalid parameter"), ("SETE 100", 11, "not in this")],
)
def test_pa_3_an_error_is_asked_for_by_its_code_and_the_cell_stays_off(
    line: str, code: int, words: str, serial: bool, tiny_rig: MAKER, tiny_par: MAKER
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(refuse={line: code}), serial=serial)
        await rig.potentiostat.open()
        with pytest.raises(RefusedError, match=f"error {code}, {words}"):
            await rig.potentiostat.measure(Chronoamperometry(((0.1, 1.0),), 0.5))
        assert rig.par.energised == 0
        rig.par.refuse.clear()
        assert len(await rows(rig, Ocv(0.2, 0.1))) == 2

    play(main)


def test_pa_2_a_reply_that_does_not_come_is_a_time_out_and_the_links_are_closed(
    tiny_rig: MAKER, tiny_par: MAKER
) -> None:
    async def main(clock: Clock) -> None:
        par = tiny_par()
        rig = tiny_rig(clock, par)
        await rig.potentiostat.open()
        par.slow = 10_000_000
        with pytest.raises(LinkTimeout, match="not ready"):
            await rig.potentiostat.read()
        assert not any(pipe.is_open for pipe in rig.pipes)
        par.slow = par.busy = 0
        await rig.potentiostat.open()
        assert (await rig.potentiostat.read()).cell_on is False

    play(main)


def test_pa_8_a_slow_instrument_loses_nothing(tiny_rig: MAKER, tiny_par: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(slow=150))
        await rig.potentiostat.open()
        begun_s = clock.link.now_s()
        assert (await rig.potentiostat.read()).e_V == 0.0
        assert clock.link.now_s() - begun_s > 2.0

    play(main)


def test_another_model_is_refused_unless_an_option_takes_it(tiny_rig: MAKER, tiny_par: MAKER) -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(RefusedError, match="model 2630, not 2731"):
            await tiny_rig(clock, tiny_par(model=2630)).potentiostat.open()
        rig = tiny_rig(clock, tiny_par(model=2630), id=2630)
        assert (await rig.potentiostat.open()).model == "PAR 2630"

    play(main)


def test_a_reply_left_from_before_is_read_away_at_opening(tiny_rig: MAKER, tiny_par: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(out=b"1115,-8\r\n", error=3))
        assert (await rig.potentiostat.open()).firmware == "202"

    play(main)


def test_nonsense_instead_of_a_number_is_a_wire_error_and_the_cell_is_made_sure_of(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        measurement = await rig.potentiostat.measure(Chronoamperometry(((0.1, 1.0),), 0.5))
        rig.par.say["READI"] = "1.5,x\r\n"
        with pytest.raises(WireError, match="no whole number"):
            async for _ in measurement.blocks():
                pass
        assert not rig.par.cell
        assert measurement.state is MeasurementState.FAILED

    play(main)


def test_a_relay_that_reads_as_on_is_said_to_be_unknown_with_what_to_do(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        measurement = await rig.potentiostat.measure(Chronoamperometry(((0.1, 0.5),), 0.5))
        rig.par.sticky_cell = True
        with pytest.raises(UnknownStateError, match="press CELL ENABLE"):
            async for _ in measurement.blocks():
                pass
        with pytest.raises(UnknownStateError):
            await rig.potentiostat.open()
        rig.par.sticky_cell = False
        await rig.potentiostat.open()
        assert not rig.par.cell

    play(main)


def test_a_box_that_takes_one_client_only_has_no_stop_lane_and_says_so(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        own, connections = rig.box.connection, []

        def connection() -> Any:
            connections.append(1)
            if len(connections) > 1:
                raise ConnectionRefusedError("one client only")
            return own()

        rig.box.connection = connection
        await rig.potentiostat.open()
        assert any("no stop lane" in note for note in rig.potentiostat.capabilities().notes)
        measurement = await rig.potentiostat.measure(Chronoamperometry(((0.1, 9.0),), 0.5))
        await measurement.abort()
        assert not rig.par.cell

    play(main)


# -- stops and losses --------------------------------------------------------------------------------------------------


def test_a_stop_reaches_the_instrument_over_its_own_lane_while_the_normal_one_hangs(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        measurement = await rig.potentiostat.measure(Chronoamperometry(((0.1, 60.0),), 0.5))
        normal, lane = rig.pipes
        before = lane.sent
        normal.hung = True
        async with asyncio.TaskGroup() as group:
            aborting = group.create_task(error_of(measurement.abort()))
            await clock.link.sleep(0.3)
            assert not rig.par.cell
            assert lane.sent > before
        assert isinstance(aborting.result(), UnknownStateError)
        normal.hung = False
        await rig.potentiostat.open()

    play(main)


async def error_of(act: Coroutine[Any, Any, object]) -> InstrumentError | None:
    try:
        await act
    except InstrumentError as error:
        return error
    return None


def test_whenever_it_is_told_to_be_off_while_it_begins_it_is_not_on_afterwards(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        ends = set()
        for moment in range(1, 40, 2):
            rig = tiny_rig(clock, analyser="none")
            await rig.potentiostat.open()
            rig.par.slow = 5  # more polls than are done in a row, so that others get their turn
            async with asyncio.TaskGroup() as group:
                technique = Chronoamperometry(((0.1, 60.0),), 0.5)
                beginning = group.create_task(error_of(rig.potentiostat.measure(technique)))
                await clock.link.sleep(0.011 * moment)
                told = len(rig.par.heard)
                await rig.potentiostat.cell_off()
                assert not rig.par.cell
            assert not rig.par.cell
            after = rig.par.heard[told:]
            assert "CELL 1" not in after[after.index("CELL 0") :]
            ends.add((beginning.result() is None, "CELL 1" in rig.par.heard))
            await rig.potentiostat.close()
        assert {(False, False), (True, True)} <= ends

    play(main)


@pytest.mark.parametrize("serial", [False, True])
def test_a_link_lost_at_any_write_is_told_and_the_next_link_finds_the_cell_off(
    serial: bool, tiny_rig: MAKER
) -> None:
    technique = Chronoamperometry(((0.1, 0.2), (-0.1, 0.2)), 0.1)

    async def lost_at(clock: Clock, at: int) -> bool:
        """Lose the link at a write; tell whether there was one."""
        rig = tiny_rig(clock, serial=serial, analyser="none")
        await rig.potentiostat.open()
        pipe, inner, writes = rig.pipes[0], rig.pipes[0].write, [0]

        async def write(data: bytes, timeout_s: float = 1.0) -> None:
            writes[0] += 1
            if writes[0] == at + 1:
                rig.cut()
            await inner(data, timeout_s)

        pipe.write = write
        error = await error_of(rows(rig, technique))
        pipe.write = inner
        was_lost = writes[0] > at
        assert (error is not None) is was_lost
        await rig.potentiostat.open()
        assert not rig.par.cell
        await rig.potentiostat.close()
        return was_lost

    async def main(clock: Clock) -> None:
        at = 0
        while await lost_at(clock, at):
            at += 1
        assert at > 20

    play(main)


@pytest.mark.parametrize("analyser", ["lockin72xx", "solartron1260"])
def test_an_abort_at_any_write_of_a_sweep_ends_it_as_aborted_with_the_cell_off(
    analyser: str, tiny_rig: MAKER
) -> None:
    technique = Peis(FrequencySweep(1e3, 100.0, 1), 0.01, settle_s=0.0)

    async def aborted_at(clock: Clock, at: int) -> bool:
        """Abort at a write of the normal lane; tell whether there was one before the end."""
        rig = tiny_rig(clock, analyser=analyser)
        await rig.potentiostat.open()
        measurement = await rig.potentiostat.measure(technique)
        pipe, inner, writes = rig.pipes[0], rig.pipes[0].write, [0]
        async with asyncio.TaskGroup() as group:

            async def write(data: bytes, timeout_s: float = 1.0) -> None:
                writes[0] += 1
                if writes[0] == at + 1:
                    group.create_task(measurement.abort())
                    await clock.link.sleep(0)
                await inner(data, timeout_s)

            pipe.write = write
            error = await error_of(collect(measurement))
            pipe.write = inner
        assert error is None
        assert not rig.par.cell
        assert rig.par.heard.count("CELL 1") == 1
        await rig.potentiostat.close()
        return bool(measurement.state is MeasurementState.ABORTED)

    async def main(clock: Clock) -> None:
        at = 0
        while await aborted_at(clock, at):
            at += 5
        assert at > 30

    play(main)


async def collect(measurement: Any) -> None:
    async for _ in measurement.blocks():
        pass


# -- direct current ----------------------------------------------------------------------------------------------------


def test_the_range_is_followed_until_it_holds_the_current(tiny_rig: MAKER, tiny_par: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(ohm=10.0))
        await rig.potentiostat.open()
        first, second = await rows(rig, Chronoamperometry(((5.0, 0.2),), 0.1))
        assert first.i_A[0] == pytest.approx(0.5, rel=1e-3)
        assert PointFlag(first.flags[0]) == PointFlag.RANGE_CHANGED
        assert PointFlag(second.flags[0]) == PointFlag(0)

    play(main)


def test_a_range_that_is_asked_for_is_set_and_kept(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        await rows(rig, LinearSweep(0.0, 0.05, 0.1, 0.01, range_A=0.02))
        assert (rig.par.auto, rig.par.code) == (0, -1)
        assert rig.par.heard.count("CELL 1") == 1

    play(main)


def test_overloads_are_flagged_by_their_kind(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        found = []
        measurement = await rig.potentiostat.measure(Chronoamperometry(((0.1, 1.5),), 0.5, range_A=1e-3))
        async for block in measurement.blocks():
            found.append(PointFlag(block.flags[0]))
            rig.par.over_since = (1, 2, 0)[len(found) - 1]
        assert found == [PointFlag(0), PointFlag.OVERLOAD_I, PointFlag.OVERLOAD_E]

    play(main)


def test_voltammetry_meets_each_vertex_and_counts_scans(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        blocks = await rows(rig, CyclicVoltammetry(0.0, 0.5, -0.5, 0.1, 0.1, 0.03, cycles=2))
        e_V = np.concatenate([block.e_V for block in blocks])
        scan = np.concatenate([block.scan for block in blocks])
        assert (e_V.max(), e_V.min(), e_V[-1]) == (0.5, -0.5, 0.1)
        assert sorted(set(scan.tolist())) == [1, 2]
        assert all(isinstance(block, DcBlock) for block in blocks)

    play(main)


def test_current_steps_stop_at_a_limit_of_potential_and_open_circuit_at_its_drift(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        technique = Chronopotentiometry(((1e-3, 1.0), (5e-3, 60.0)), 0.5, e_limits_V=(-0.2, 0.2))
        assert await column(rig, technique, "e_V") == [0.11, 0.11, 0.55]
        assert "SETI -1000 -6" in rig.par.heard
        assert len(await rows(rig, Ocv(60.0, 1.0, stop_below_V_per_s=1e-3))) == 10

    play(main)


# -- spectra -----------------------------------------------------------------------------------------------------------


async def spectrum(rig: Any, technique: Technique) -> Spectrum:
    found: list[Spectrum] = await rows(rig, technique)
    whole = found[0]
    for block in found[1:]:
        whole = whole.then(block)
    return whole


@pytest.mark.parametrize("analyser", ["lockin72xx", "solartron1260"])
def test_pa_7_the_range_changes_in_mid_sweep_and_leaves_no_step(analyser: str, tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, analyser=analyser)
        await rig.potentiostat.open()
        found = await spectrum(rig, Peis(FrequencySweep(100e3, 1.0, 10), 0.02, settle_s=1.0))
        truth_ohm = d1_ohm(found.frequency_Hz)
        assert np.abs(found.z_ohm / truth_ohm - 1).max() < 5e-4
        assert (found.z_re_ohm > 0).all()
        assert len(set(found.range_A.tolist())) > 1
        assert found.e_ac_rms_V == pytest.approx(0.02, rel=1e-3)
        assert found.i_ac_rms_A == pytest.approx(0.02 / np.abs(truth_ohm), rel=1e-3)

    play(main)


def test_readings_of_a_settled_lockin_are_averaged(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        counts = []
        for readings in (1, 5):
            rig = tiny_rig(clock, readings=readings)
            await rig.potentiostat.open()
            found = await spectrum(rig, Peis(FrequencySweep(1e3, 100.0, 1), 0.01, settle_s=0.0))
            assert np.abs(found.z_ohm / d1_ohm(found.frequency_Hz) - 1).max() < 5e-4
            counts.append(rig.lockin.heard.count("XY."))
            await rig.potentiostat.close()
        assert counts[1] > 2 * counts[0]

    play(main)


def test_b_sign_and_coordinates_are_options(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        technique = Peis(FrequencySweep(1e3, 100.0, 3), 0.01, settle_s=0.0)
        rig = tiny_rig(clock, b_sign=1)
        await rig.potentiostat.open()
        assert ((await spectrum(rig, technique)).z_re_ohm < 0).all()
        rig = tiny_rig(clock, analyser="solartron1260", fra_coordinates="polar")
        rig.fra.polar = True
        await rig.potentiostat.open()
        found = await spectrum(rig, technique)
        assert np.abs(found.z_ohm / d1_ohm(found.frequency_Hz) - 1).max() < 5e-4

    play(main)


def test_so_1_late_answers_of_other_frequencies_are_not_believed(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, analyser="solartron1260")
        rig.fra.late = [12345.0, 54321.0]
        await rig.potentiostat.open()
        technique = Peis(FrequencySweep(1e3, 100.0, 3), 0.01, settle_s=0.0)
        found = await spectrum(rig, technique)
        assert found.frequency_Hz == pytest.approx(technique.sweep.frequencies_Hz(), rel=1e-6)
        rig.fra.late = [12345.0] * 9
        with pytest.raises(WireError, match="other frequencies"):
            await rows(rig, technique)
        assert not rig.par.cell

    play(main)


def test_an_error_of_the_fra_ends_the_sweep_with_the_cell_off(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, analyser="solartron1260")
        rig.fra.error = 3
        await rig.potentiostat.open()
        with pytest.raises(RefusedError, match="FRA says error 3"):
            await rows(rig, Peis(FrequencySweep(1e3, 100.0, 3), 0.01, settle_s=0.0))
        assert "I/E 0" in rig.par.heard, "the largest range was not tried"
        assert not rig.par.cell
        assert not rig.par.ext

    play(main)


def test_a_lockin_without_known_time_constants_is_refused_unless_told_whose(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        rig.lockin.model = "5210"
        with pytest.raises(RefusedError, match="analyser_model"):
            await rig.potentiostat.open()
        rig = tiny_rig(clock, analyser_model=7265)
        rig.lockin.model = "5210"
        await rig.potentiostat.open()

    play(main)


@pytest.mark.parametrize("port", [50000, 50001])
def test_li_1_a_lockin_on_ethernet_is_understood_on_both_ports(port: int, tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, analyser_resource=f"tcp://lockin:{port}")
        if port == 50001:
            inner = rig.lockin.receive

            def without_status(data: bytes) -> bytes:
                return b"".join(part[: part.find(b"\0") + 1] for part in [inner(data)])

            rig.lockin.receive = without_status
        await rig.potentiostat.open()
        technique = Peis(FrequencySweep(1e3, 100.0, 3), 0.01, settle_s=0.0)
        found = await spectrum(rig, technique)
        assert np.abs(found.z_ohm / d1_ohm(found.frequency_Hz) - 1).max() < 5e-4
        assert rig.lockin.amplitude_V == 0.0

    play(main)


def test_a_potential_against_the_open_circuit_is_stored_as_it_was_set(
    tiny_rig: MAKER, tiny_par: MAKER
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, tiny_par(ocv_V=3.3))
        await rig.potentiostat.open()
        measurement = await rig.potentiostat.measure(
            Peis(FrequencySweep(1e3, 100.0, 3), 0.01, 0.0204, "ocv", settle_s=0.0)
        )
        blocks = [block async for block in measurement.blocks()]
        assert {float(block.e_dc_V[0]) for block in blocks} == {3.32}
        assert (measurement.head.ocv_before_V, measurement.head.ocv_after_V) == (3.3, 3.3)
        with pytest.raises(UsageError, match="beyond 8 V"):
            await rig.potentiostat.measure(Peis(FrequencySweep(1e3, 100.0, 3), 0.01, 7.0, "ocv"))
        assert not rig.par.cell

    play(main)


# -- refusals and options ----------------------------------------------------------------------------------------------

SWEEP = FrequencySweep(1e3, 100.0, 3)


@pytest.mark.parametrize(
    ("technique", "words"),
    [
        (Peis(FrequencySweep(200e3, 1.0), 0.01), "above 100000 Hz"),
        (Peis(FrequencySweep(1.0, 1e-5), 0.01), "below 0.001 Hz"),
        (Peis(SWEEP, 2.0, 0.0, "ref"), "outside 0.001 to 0.95 V rms"),
        (Peis(SWEEP, 0.01, 8.1, "ref"), "beyond 8 V"),
        (Geis(SWEEP, 0.5, 0.5), "beyond 1 A"),
        (Geis(SWEEP, 1e-7, range_A=1e-3), "outside 0.001"),
        (Geis(SWEEP, 1e-3, range_A=1e-4), "does not go into a range"),
        (LinearSweep(0.0, 1.0, 1.0, 0.01), "faster than each 0.05 s"),
        (LinearSweep(0.0, 1.0, 0.001, 1e-4), "finest that it sets"),
        (CyclicVoltammetry(0.0, 1.0, -1.0, 0.0, 0.1, 0.01, cycles=0), "1 to 10000 cycles"),
        (Chronoamperometry(((0.1, 1e4),), 1.0), "no watchdog"),
        (Chronoamperometry(((0.1, 1e9),), 1.0), "points are more than"),
        (Chronoamperometry(((0.1, 1.0),), 0.5, range_A=2.0), "above 1 A"),
        (Chronopotentiometry(((float("nan"), 1.0),), 0.5), "must be a number"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_limit(
    technique: Technique, words: str, tiny_rig: MAKER
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, step_max_s=900.0)
        await rig.potentiostat.open()
        assert any(words in reason for reason in rig.potentiostat.refusals(technique)), (
            rig.potentiostat.refusals(technique)
        )

    play(main)


def test_without_an_analyser_there_are_no_spectra(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, analyser="none")
        with pytest.raises(UsageError, match="before it is open"):
            rig.potentiostat.capabilities()
        await rig.potentiostat.open()
        assert Peis not in rig.potentiostat.capabilities().techniques
        assert "option analyser" in rig.potentiostat.refusals(Peis(SWEEP, 0.01))[0]

    play(main)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"adress": 14}, "did you mean address"),
        ({"address": 31}, "0 to 30"),
        ({"terminator": "lf"}, "one of cr, crlf"),
        ({"delimiter": 49}, "ASCII code"),
        ({"b_sign": 0}, "-1 or 1"),
        ({"step_max_s": 3600}, "step_max_by"),
        ({"ocv_s": -1}, "above 0"),
        ({"analyser": "lockin"}, "one of none, lockin72xx, solartron1260"),
        ({"analyser": "lockin72xx", "analyser_address": 14}, "cannot both have address 14"),
        ({"analyser": "lockin72xx", "link": "serial"}, "analyser_resource"),
        ({"analyser": "lockin72xx", "eis_max_Hz": 300e3}, "at most 250000"),
        ({"analyser_resource": 7}, "a text"),
        ({"analyser": "solartron1260", "analyser_resource": "tcp://h:50000"}, "through a box"),
    ],
)
def test_an_option_that_cannot_be_is_named_with_what_would_be_right(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(UserInputError, match=words):
        create("par", "tcp://box:1234", options, None, None)  # type: ignore[arg-type]  # refused before use


def test_errors_name_the_instrument_and_what_was_done(tiny_rig: MAKER) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        await rig.potentiostat.open()
        rig.hang(True)
        with pytest.raises(InstrumentError, match=r"^par: read: "):
            await rig.potentiostat.read()

    play(main)
