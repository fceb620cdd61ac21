"""The driver on a tiny device in jump time: what it measures and refuses, and its acts in trouble (MS-5 to MS-14)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkError, RefusedError, UnknownStateError, UsageError, WireError
from labctl.interfaces.potentiostat import Block, DcBlock, Measurement, MeasurementState, Potentiostat
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
from labctl.transport.faults import Fault, FaultKind, FaultPlan, Side
from labctl.transport.faulty import FaultyTransport

SHORT = Peis(FrequencySweep(1e3, 10.0, 5), 0.01, e_dc_vs="ref", settle_s=1.0)


async def blocks_of(measurement: Measurement) -> list[Block]:
    return [block async for block in measurement.blocks()]


async def dc(driver: Potentiostat, technique: Technique) -> tuple[Measurement, DcBlock]:
    """Measure, and return all points as one block."""
    measurement = await driver.measure(technique)
    blocks = [block for block in await blocks_of(measurement) if isinstance(block, DcBlock)]
    return measurement, DcBlock(
        *(
            np.concatenate([getattr(one, name) for one in blocks])
            for name in ("elapsed_s", "e_V", "i_A", "scan", "flags")
        )
    )


async def spectrum(driver: Potentiostat, technique: Technique) -> tuple[Measurement, Spectrum]:
    """Measure a spectrum, and return it whole."""
    measurement = await driver.measure(technique)
    whole: Spectrum | None = None
    async for block in measurement.blocks():
        assert isinstance(block, Spectrum)
        whole = block if whole is None else whole.then(block)
    assert whole is not None
    return measurement, whole


def test_the_first_acts_on_a_link_are_abort_and_cell_off_and_then_it_identifies(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        identity = await driver.open()
        assert (identity.maker, identity.model, identity.serial) == ("PalmSens", "EmStat Pico", "TINY0001")
        assert identity.firmware == "1603 R Mar 24 2025 12:00:00"
        assert device.heard[:4] == ["Z", "e", "t", "i"]
        assert device.scripts[0] == ["cell_off"]

    stand.play(story)
    assert stand.device.energised == 0


def test_nothing_is_known_before_it_is_open(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        with pytest.raises(UsageError):
            driver.capabilities()
        with pytest.raises(UsageError):
            await driver.measure(Ocv(1.0))

    stand.play(story, opened=False)
    assert stand.device.heard == []


@pytest.mark.parametrize(("code", "words"), [("espbl1", "bootloader"), ("xyz123", "not a model")])
def test_a_bootloader_and_a_stranger_are_refused(stand_of: Any, code: str, words: str) -> None:
    stand = stand_of(code=code, refuse={"cell_off": "4001"})

    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        with pytest.raises(RefusedError, match=words):
            await driver.open()

    stand.play(story, opened=False)


def test_a_device_that_does_not_switch_off_is_not_opened(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        with pytest.raises(UnknownStateError, match="still on"):
            await driver.open()
        device.sticky_cell = False
        await driver.open()

    stand_of(cell_on=True, sticky_cell=True).play(story, opened=False)


def test_another_instrument_on_the_same_port_is_not_taken_for_the_first(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        await driver.close()
        device.serial = "TINY0002"
        with pytest.raises(RefusedError, match="another instrument"):
            await driver.open()

    stand.play(story)


def test_the_firmware_says_which_techniques_it_has(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        assert driver.capabilities().techniques == {Ocv, Chronoamperometry, LinearSweep, Geis}
        assert driver.refusals(SHORT) == ("The EmStat4 LR cannot do potentiostatic impedance.",)

    mask = 1 << 28 | 1 << 30 | 1 << 70
    stand_of(code="es4_lr", features=f"{mask:X}").play(story)


def test_ms_5_a_spectrum_of_d1_is_the_formula_in_order_with_every_point(
    stand: Any, d1: Callable[..., Any]
) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        technique = Peis(FrequencySweep(200e3, 0.1), 0.01, e_dc_V=0.02, settle_s=5.0)
        measurement, found = await spectrum(driver, technique)
        assert measurement.state is MeasurementState.DONE
        assert measurement.points_got == measurement.points_expected == len(found) == 64
        assert np.allclose(found.frequency_Hz, technique.sweep.frequencies_Hz(), rtol=4e-6)
        truth = np.array([d1(f) for f in technique.sweep.frequencies_Hz()])
        assert np.all(np.abs(found.z_ohm - truth) <= 1e-6 * np.abs(truth))
        assert np.all(found.z_im_ohm < 0)
        assert np.all(found.e_dc_V == 0.12)
        assert np.all(found.e_ac_rms_V == 0.01)
        assert np.all(found.range_A == 1e-3)
        assert np.all(found.flags == 0)
        assert found.t_start_s[0] == 5.0
        assert np.all(found.t_start_s[1:] == found.t_end_s[:-1])
        assert found.head.ocv_before_V == pytest.approx(0.1)
        assert found.head.amplitude_rms_V == 0.01
        assert measurement.head.ocv_after_V == pytest.approx(0.1)  # type: ignore[attr-defined]
        assert measurement.remaining_s == 0.0

    stand.play(story)
    assert not stand.device.cell_on
    assert stand.device.energised == 1


def test_ms_7_what_the_model_cannot_reach_is_refused_and_nothing_is_sent(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        heard = list(device.heard)
        for technique in (
            Peis(FrequencySweep(1e6, 1.0), 0.01),
            Peis(FrequencySweep(1e5, 1.0), 1.0),
            Geis(SHORT.sweep, 1e-4),
        ):
            assert driver.refusals(technique)
            with pytest.raises(UsageError, match="pico: measure: "):
                await driver.measure(technique)
        assert device.heard == heard

    stand.play(story)
    assert stand.device.energised == 0


def test_a_potential_counted_from_an_open_circuit_out_of_reach_is_refused_with_the_cell_off(
    stand_of: Any,
) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        with pytest.raises(UsageError, match=r"3\.2\d* to 3\.3\d* V is outside"):
            await driver.measure(Peis(SHORT.sweep, 0.01))

    stand = stand_of(ocv_V=3.3)
    stand.play(story)
    assert stand.device.energised == 0


def test_ocv_ca_and_lsv_of_a_resistor_are_ohms_law_with_anodic_current_positive(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        _, ocv = await dc(driver, Ocv(2.0, 0.5))
        assert np.allclose(ocv.e_V, 0.1)
        assert np.all(ocv.i_A == 0.0)
        assert np.allclose(ocv.elapsed_s, [0.5, 1.0, 1.5, 2.0])
        measurement, ca = await dc(driver, Chronoamperometry(((0.11, 1.0), (-0.055, 0.5)), 0.1))
        assert measurement.points_got == measurement.points_expected == 15
        assert np.allclose(ca.i_A[:10], 1e-3)
        assert np.allclose(ca.i_A[10:], -5e-4)
        assert np.all(np.diff(ca.elapsed_s) > 0)
        measurement, lsv = await dc(driver, LinearSweep(-0.1, 0.1, 0.1, 0.01))
        assert len(lsv.e_V) == measurement.points_expected == 21
        assert np.allclose(lsv.i_A, lsv.e_V / 110.0, atol=1e-12)
        assert set(lsv.scan) == {1}

    stand.play(story)
    assert stand.device.energised == 2


def test_cp_on_an_emstat4_drives_its_currents_and_stops_where_the_potential_leaves_its_limits(
    stand_of: Any,
) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        _, cp = await dc(driver, Chronopotentiometry(((1e-3, 0.5), (-1e-3, 0.5)), 0.1))
        assert np.allclose(cp.e_V, [0.11] * 5 + [-0.11] * 5)
        measurement, cp = await dc(
            driver, Chronopotentiometry(((1e-3, 2.0), (5e-3, 60.0)), 0.5, e_limits_V=(-0.2, 0.2))
        )
        assert measurement.state is MeasurementState.DONE
        assert cp.e_V[-1] == pytest.approx(0.55)
        assert len(cp.e_V) < 12

    stand = stand_of(code="es4_lr")
    stand.play(story)
    assert not stand.device.cell_on


def test_ca_stops_at_its_current_limit_and_ocv_once_it_stands_still(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement, ca = await dc(
            driver, Chronoamperometry(((0.11, 5.0), (0.22, 600.0)), 1.0, i_limit_A=1.5e-3)
        )
        assert measurement.state is MeasurementState.DONE
        assert len(ca.i_A) < 10
        measurement, ocv = await dc(driver, Ocv(3600.0, 1.0, stop_below_V_per_s=1e-6))
        assert measurement.points_expected is None
        assert 10 <= len(ocv.e_V) < 15

    stand.play(story)
    assert not stand.device.cell_on


def test_ms_12_the_open_circuit_is_never_asked_for_while_a_cell_is_on(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        await spectrum(driver, SHORT)
        await dc(driver, Chronoamperometry(((0.1, 1.0),), 0.1))
        measurement = await driver.measure(SHORT)
        await clock.plant.sleep(1.5)
        assert device.cell_on
        await driver.read()
        await measurement.abort()
        await driver.measure(SHORT)
        await driver.cell_off()

    stand.play(story)
    assert stand.device.asked_with_cell_on == 0


def test_ms_13_cv_numbers_its_scans_and_ends_where_it_was_told(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        _, cv = await dc(driver, CyclicVoltammetry(0.0, 0.5, -0.5, 0.0, 0.1, 0.01, cycles=3))
        assert [int(np.sum(cv.scan == scan)) for scan in (1, 2, 3)] == [200, 200, 200]
        assert np.allclose(cv.i_A, cv.e_V / 110.0, rtol=1e-6, atol=1e-12)
        _, ramp = await dc(driver, CyclicVoltammetry(0.0, 0.1, -0.1, 0.05, 0.1, 0.01, cycles=2))
        assert ramp.e_V[-1] == pytest.approx(0.05)
        assert ramp.scan[-1] == 2

    stand.play(story)


def test_status_and_range_of_each_point_become_flags(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        device.swap_metadata = {2: ",12", 3: ",14", 4: ",1F"}
        _, found = await spectrum(driver, SHORT)
        assert PointFlag(found.flags[0]) == PointFlag(0)
        assert PointFlag(found.flags[1]) == PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E
        assert PointFlag(found.flags[2]) == PointFlag.UNDERLOAD
        assert PointFlag.TIMING | PointFlag.OVERLOAD_NEAR in PointFlag(found.flags[3])
        device.swap_metadata = {}
        _, again = await spectrum(driver, SHORT)
        assert not np.any(again.flags)

    stand_of().play(story)


def test_ms_8_a_script_that_is_refused_names_its_line_and_the_next_command_works(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        device.refuse = {"meas_loop_eis": "4001"}
        with pytest.raises(
            RefusedError, match=r"unknown word .* line 1\d, column 1 of the script: 'meas_loop_eis"
        ):
            await driver.measure(SHORT)
        device.refuse = {}
        assert (await driver.read()).cell_on is False
        measurement, _ = await spectrum(driver, SHORT)
        assert measurement.state is MeasurementState.DONE

    stand_of().play(story)


def test_ms_9_after_an_error_in_mid_sweep_the_points_are_kept_and_the_cell_is_switched_off(
    stand_of: Any,
) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(SHORT)
        got = 0
        with pytest.raises(RefusedError, match=r"critical overload of the cell.*line 1"):
            async for block in measurement.blocks():
                got += len(block.flags)
        assert (got, measurement.points_got) == (5, 5)
        assert measurement.state is MeasurementState.FAILED
        assert device.scripts[-2] == ["cell_off"]

    stand = stand_of(break_off={6: "0032"})
    stand.play(story)
    assert not stand.device.cell_on


def test_fewer_points_than_asked_for_is_an_incomplete_spectrum(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(SHORT)
        device._abort()  # the device ends by itself, in good order
        with pytest.raises(WireError, match="ended after 0 of 11 points"):
            await blocks_of(measurement)

    stand.play(story)


def test_ms_10_an_abort_in_a_slow_point_says_z_at_once_and_keeps_what_is_there(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(Peis(FrequencySweep(1.0, 0.1), 0.01, e_dc_vs="ref", settle_s=0.0))
        got: list[Block] = []

        async def listen() -> None:
            async for block in measurement.blocks():
                got.append(block)

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            await clock.plant.sleep(60.0)
            assert (await driver.read()).cell_on is True
            begin_s, heard = clock.link.now_s(), len(device.heard)
            await measurement.abort()
            assert device.heard[heard] == "Z"
            assert clock.link.now_s() - begin_s < 2.0
        assert measurement.state is MeasurementState.ABORTED
        assert sum(len(block.flags) for block in got) == measurement.points_got > 3
        await measurement.abort()

    stand.play(story)
    assert not stand.device.cell_on


def test_what_was_measured_before_an_abort_is_still_handed_out(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(SHORT)
        await clock.plant.sleep(2.0)
        await measurement.abort()
        assert sum(len(block.flags) for block in await blocks_of(measurement)) == measurement.points_got > 0

    stand.play(story)


def test_only_one_measurement_at_a_time(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        await driver.measure(SHORT)
        with pytest.raises(UsageError, match="under way"):
            await driver.measure(SHORT)
        await driver.cell_off()
        measurement, _ = await spectrum(driver, SHORT)
        assert measurement.state is MeasurementState.DONE

    stand.play(story)


@pytest.mark.parametrize("leave", ["break", "error", "cancel", "close"])
def test_ei_7_however_a_measurement_is_left_the_cell_is_switched_off(stand: Any, leave: str) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(Peis(FrequencySweep(10.0, 0.1), 0.01, e_dc_vs="ref", settle_s=0.0))
        assert device.cell_on
        match leave:
            case "close":
                await driver.close()
            case "cancel":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(5.0):
                        await blocks_of(measurement)
            case "error":
                with pytest.raises(ZeroDivisionError):
                    async for _ in measurement.blocks():
                        1 / 0  # noqa: B018
                await clock.link.sleep(5.0)
            case "break":
                async for _ in measurement.blocks():
                    break
                await clock.link.sleep(5.0)
        assert not device.cell_on
        assert measurement.state is MeasurementState.ABORTED

    stand.play(story)


def test_a_device_that_falls_silent_is_late_after_12_periods_and_2_seconds(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(SHORT)
        with pytest.raises(LinkError, match="fallen silent"):
            await blocks_of(measurement)
        assert measurement.points_got == 3
        assert measurement.state is MeasurementState.FAILED
        assert device.heard[-3:] == ["Z", "e", "e"]

    stand = stand_of(fall_silent_at=3)
    stand.play(story)
    assert not stand.device.cell_on


def test_where_nothing_answers_any_more_the_state_is_unknown_and_said_to_be(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(SHORT)
        device.deaf = True
        device._run = None
        with pytest.raises(UnknownStateError, match="ends by itself within"):
            await blocks_of(measurement)
        assert measurement.state is MeasurementState.FAILED
        device.deaf = False
        device.heard.clear()
        await driver.open()
        assert device.heard[:2] == ["Z", "e"]
        assert device.scripts[-2] == ["cell_off"]
        assert not device.cell_on

    stand.play(story)


def test_ms_14_a_lost_link_is_said_within_2_s_and_the_next_open_begins_with_abort_and_cell_off(
    stand: Any,
) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(Peis(FrequencySweep(10.0, 0.1), 0.01, e_dc_vs="ref", settle_s=0.0))
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_failure(measurement))
            await clock.plant.sleep(10.0)
            begin_s = clock.link.now_s()
            await stand.pipe.close()
            error = await reading
            assert clock.link.now_s() - begin_s < 2.0
        assert isinstance(error, UnknownStateError)
        assert measurement.state is MeasurementState.FAILED
        assert device.cell_on
        device.heard.clear()
        await driver.open()
        assert device.heard[:3] == ["Z", "e", "t"]
        assert device.scripts[-2] == ["cell_off"]
        assert not device.cell_on

    stand.play(story)


async def _failure(measurement: Measurement) -> InstrumentError | None:
    try:
        await blocks_of(measurement)
    except InstrumentError as error:
        return error
    return None


def test_a_script_of_which_only_half_arrived_is_ended_unexecuted_at_the_next_open(stand: Any) -> None:
    """Goal: an abort in the middle of a script's text is a line of it; the empty line then ends it as nonsense."""

    def half(pipe: Any, clock: Clock) -> FaultyTransport:
        # exchange 10 is the script of the sweep: what passes of it holds cell_on
        return FaultyTransport(
            pipe, clock, FaultPlan((Fault(FaultKind.DROP, exchange=10, side=Side.REQUEST, byte=260),))
        )

    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        with pytest.raises(UnknownStateError):
            await driver.measure(SHORT)
        device.heard.clear()
        await driver.open()
        assert "cell_on" in device.scripts_refused[-1]
        assert device.energised == 0
        assert device.heard[:2] == ["Z", "e"]

    stand.play(story, through=half)


def test_read_tells_what_it_is_and_a_cell_that_is_on_although_nothing_runs(stand: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        reading = await driver.read()
        assert (reading.e_V, reading.i_A, reading.cell_on, reading.overload) == (0.1, 0.0, False, False)
        device.cell_on = True
        reading = await driver.read()
        assert reading.cell_on is True
        assert math.isnan(reading.e_V)
        await driver.cell_off()
        assert (await driver.read()).cell_on is False

    stand.play(story)


def test_an_open_circuit_that_cannot_be_read_starts_no_spectrum(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        device.ocv_V = math.nan
        with pytest.raises(RefusedError, match="open-circuit"):
            await driver.measure(Peis(SHORT.sweep, 0.01))

    stand = stand_of()
    stand.play(story)
    assert stand.device.energised == 0


def test_a_cell_that_stays_on_after_a_sweep_is_told_as_unknown(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        measurement = await driver.measure(SHORT)
        device.sticky_cell = True
        with pytest.raises(UnknownStateError, match="still on"):
            await blocks_of(measurement)
        device.sticky_cell = False

    stand_of().play(story)
