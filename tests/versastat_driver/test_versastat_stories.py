"""What only the VDK driver promises: the start race, points that trickle, overloads, the lease, the public bridge."""

from __future__ import annotations

import xmlrpc.client
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_drivers.versastat_vdk import create
from labctl_drivers.versastat_vdk.bridge.connection import Door
from labctl_drivers.versastat_vdk.options import options_from
from labctl_drivers.versastat_vdk.plan import plan_for

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import RefusedError, UnknownStateError, UsageError, UserFileError, WireError
from labctl.interfaces.potentiostat import DcBlock, MeasurementState
from labctl.model.spectrum import PointFlag, Spectrum
from labctl.model.technique import (
    Chronoamperometry,
    CyclicVoltammetry,
    FrequencySweep,
    Geis,
    Ocv,
    Peis,
)
from labctl.testing.potentiostatgolden import STORY
from labctl.transport.memory import MemoryTransport

SWEEP = Peis(FrequencySweep(1e6, 0.1, 10), 0.01, settle_s=5.0)
SHORT = Peis(FrequencySweep(1000.0, 1.0, 5), 0.01, settle_s=0.0)


async def told(driver: Any, technique: Any) -> tuple[Any, list[Any]]:
    """Measure to the end."""
    measurement = await driver.measure(technique)
    return measurement, [block async for block in measurement.blocks()]


def joined(blocks: list[Any], name: str) -> np.ndarray[Any, Any]:
    return np.concatenate([getattr(block, name) for block in blocks])


def test_vd_2_the_sweep_of_the_study_is_one_string_of_15_fields_with_points_per_decade() -> None:
    plan = plan_for(SWEEP, options_from("vdk", {}), 0.1)
    assert plan.points == 71
    assert [action.method for action in plan.actions] == ["AddChronoamperometry", "AddEISPotentiostatic"]
    text = plan.actions[-1].text
    assert text == "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0.1,VS REF,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO"
    assert len(text.split(",")) == 15


def test_the_expected_time_of_the_study_s_sweep_is_that_of_the_public_file() -> None:
    plan = plan_for(replace(SWEEP, settle_s=0.0), options_from("vdk", {}), 0.1)
    assert plan.remaining_s(0) == pytest.approx(380.0, rel=0.02)  # potentiostat.md 3.2


def test_an_open_circuit_is_measured_before_and_after_and_the_offset_is_made_a_number(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        technique = Peis(FrequencySweep(1000.0, 1.0, 5), 0.01, e_dc_V=0.05, settle_s=2.0)
        measurement, blocks = await told(driver, technique)
        assert measurement.head.ocv_before_V == measurement.head.ocv_after_V == 0.1
        assert np.all(joined(blocks, "e_dc_V") == 0.15)
        starts_s = joined(blocks, "t_start_s")
        assert starts_s[0] == 2.0  # the settling's rows are no points
        settling = [text for name, text in kit.Experiment.strings if name == "Chronoamperometry"]
        assert settling[0].split(",")[:4] == ["0.15", "VS REF", "0.5", "2"]
        assert settling[0].split(",")[14] == "YES"  # the cell stays on for the sweep

    stand.play(story)


def test_vd_4_a_late_start_and_points_that_trickle_lose_and_double_nothing(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement, blocks = await told(driver, SHORT)
        assert measurement.state is MeasurementState.DONE
        frequency_Hz = joined(blocks, "frequency_Hz")
        assert frequency_Hz == pytest.approx(SHORT.sweep.frequencies_Hz())

    stand_of(starts_late_s=4.0, trickles_s=1.7).play(story)


def test_a_sequence_that_never_begins_is_told_and_leaves_the_cell_off(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        with pytest.raises(RefusedError, match="does not begin"):
            await driver.measure(Ocv(1.0, 0.5))
        assert not kit.cell_on()

    stand_of(starts_late_s=1e6).play(story)


def test_a_sweep_that_ends_too_soon_is_a_failure_with_its_points(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement = await driver.measure(SHORT)
        with pytest.raises(WireError, match="after 5 of 16 points"):
            async for _ in measurement.blocks():
                pass
        assert measurement.state is MeasurementState.FAILED
        assert measurement.points_got == 5

    stand_of(points_max=5).play(story)


def test_vd_5_an_overload_is_flagged_on_the_points_that_come_with_it(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement = await driver.measure(SHORT)
        kit.Immediate.overloads = [0, 1, 0, 2]
        flags = np.concatenate([block.flags async for block in measurement.blocks()])
        assert np.count_nonzero(flags & PointFlag.OVERLOAD_I) > 0
        assert np.count_nonzero(flags & PointFlag.OVERLOAD_E) > 0
        assert np.count_nonzero(flags == 0) > 0

    stand.play(story)


def test_vd_5_an_overload_ends_the_run_where_the_options_say_so(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement = await driver.measure(SHORT)
        kit.Immediate.overloads = [0, 1]
        with pytest.raises(RefusedError, match="overload \\(current\\)"):
            async for _ in measurement.blocks():
                pass
        assert not kit.cell_on()

    stand_of(options={"on_overload": "stop"}).play(story)


def test_vd_6_what_nobody_reads_the_bridge_switches_off_once_when_the_lease_ends(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement = await driver.measure(Peis(FrequencySweep(1.0, 0.01, 5), 0.01, settle_s=0.0))
        assert kit.cell_on()
        del kit.heard[:]
        await clock.plant.sleep(60.0)
        assert not kit.cell_on()
        assert kit.heard == ["Stop", "SetCellOff"]
        with pytest.raises(RefusedError, match="lease has run out"):
            async for _ in measurement.blocks():
                pass
        assert measurement.state is MeasurementState.FAILED
        await told(driver, Ocv(1.0, 0.5))  # a new lease, and all is well

    stand.play(story)


def test_whoever_reads_a_long_sweep_keeps_the_lease(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement, _ = await told(driver, Peis(FrequencySweep(1.0, 0.1, 2), 0.01, settle_s=0.0))
        assert measurement.state is MeasurementState.DONE

    stand.play(story)


def test_vd_7_a_second_client_is_refused_and_named_who_holds(tiny_kit: Any, running_bridge: Any) -> None:
    async def main(clock: Clock) -> None:
        kit = tiny_kit()
        bridge = running_bridge(kit, clock)
        drivers = [
            create(
                name, "mem://bridge", {"client": name}, clock,
                lambda resource: MemoryTransport(lambda: bridge.end_for("127.0.0.1"), clock, "bridge"),
            )
            for name in ("first", "second")
        ]  # fmt: skip
        await drivers[0].open()
        del kit.heard[:]
        with pytest.raises(RefusedError, match=r"another program holds the instrument.*held by first"):
            await drivers[1].open()
        assert kit.heard == []
        await drivers[0].close()
        await drivers[1].open()
        await drivers[1].close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


@pytest.mark.parametrize(
    ("token", "peer", "words"),
    [
        ("", "192.168.1.7", "refuses the token"),
        ("wrong-wrong-wrong", "192.168.1.7", "refuses the token"),
        ("right-right-right", "192.168.1.8", "refuses this computer"),
        ("right-right-right", "192.168.1.7", ""),
    ],
)
def test_vd_7_without_the_token_or_from_elsewhere_nothing_reaches_the_instrument(
    token: str, peer: str, words: str, stand_of: Any, tmp_path: Path
) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        if words:
            with pytest.raises(RefusedError, match=words):
                await driver.open()
            assert kit.heard == []
        else:
            assert (await driver.open()).model == "VersaSTAT 4-400"

    (tmp_path / "token").write_text(f"{token}\n")
    stand = stand_of(options={"token_file": str(tmp_path / "token")} if token else {})
    stand.door, stand.peer = Door("right-right-right", frozenset({"192.168.1.7"})), peer
    stand.play(story, opened=False)


def test_a_token_file_that_is_not_there_is_told_with_its_path(stand_of: Any, tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        with pytest.raises(UserFileError, match="no-such-file"):
            await driver.open()

    stand_of(options={"token_file": str(tmp_path / "no-such-file")}).play(story, opened=False)


def test_a_cell_that_does_not_switch_off_is_never_said_to_be_off(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        measurement = await driver.measure(SWEEP)
        kit.sticky_cell = True
        kit.Experiment.cut_off = lambda: None
        with pytest.raises(UnknownStateError, match="nobody knows whether the cell is off"):
            await measurement.abort()
        with pytest.raises(UnknownStateError, match="still on"):
            await driver.open()

    stand_of().play(story)


def test_one_of_several_instruments_is_chosen_by_its_serial_number(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        assert (await driver.open()).serial == "333"

    async def missing(driver: Any, clock: Clock, kit: Any) -> None:
        with pytest.raises(RefusedError, match="found: 111, 333, 555"):
            await driver.open()

    serials = (111, 333, 555)
    stand_of(serials=serials, options={"serial_number": 333}).play(story)
    stand_of(serials=serials, options={"serial_number": 444}).play(missing, opened=False)


def test_a_client_that_asked_for_a_wrong_instrument_does_not_keep_the_lease(
    tiny_kit: Any, running_bridge: Any
) -> None:
    async def main(clock: Clock) -> None:
        bridge = running_bridge(tiny_kit(serials=(111,)), clock, Door())

        def client(serial_number: int) -> Any:
            def connect(resource: str) -> MemoryTransport:
                return MemoryTransport(lambda: bridge.end_for("127.0.0.1"), clock, "bridge")

            return create("vdk", "mem://bridge", {"serial_number": serial_number}, clock, connect)

        with pytest.raises(RefusedError, match="444"):
            await client(444).open()
        next_one = client(111)
        assert (await next_one.open()).serial == "111"
        await next_one.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


def test_an_instrument_without_impedance_offers_direct_current_alone(stand_of: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        assert Peis not in driver.capabilities().techniques
        assert driver.refusals(SWEEP) == (
            "The VersaSTAT 3-200 cannot do potentiostatic impedance: impedance is not among its options.",
        )
        await told(driver, Ocv(1.0, 0.5))

    stand_of(model="VersaSTAT 3-200", abilities="").play(story)


def test_a_cyclic_voltammogram_is_thinned_to_its_step_and_numbered(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        _, blocks = await told(driver, CyclicVoltammetry(0.0, 0.1, -0.1, 0.0, 0.2, 0.01, cycles=3))
        e_V, scan = joined(blocks, "e_V"), joined(blocks, "scan")
        assert len(e_V) == 121
        assert joined(blocks, "i_A") == pytest.approx(e_V / 110.0)
        assert np.unique(scan).tolist() == [1, 2, 3]
        assert e_V.max() == pytest.approx(0.1)
        assert e_V.min() == pytest.approx(-0.1)

    stand.play(story)


def test_a_cycle_that_the_kit_would_cut_short_is_refused(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        refused = driver.refusals(CyclicVoltammetry(1.0, 0.5, -0.5, 1.0, 0.1, 0.01, cycles=2))
        assert refused and "straight to 0.5 V" in refused[0]

    stand.play(story)


def test_a_current_limit_goes_into_the_string_in_both_directions(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        technique = Chronoamperometry(((0.1, 2.0), (0.5, 600.0)), 0.5, i_limit_A=2e-3)
        measurement, blocks = await told(driver, technique)
        assert measurement.state is MeasurementState.DONE
        assert isinstance(blocks[0], DcBlock)
        text = kit.Experiment.strings[0][1]
        assert "CURRENT,>,0.002,CURRENT,<,-0.002" in text

    stand.play(story)


def test_galvanostatic_impedance_carries_its_amplitude_in_ampere_rms(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        _, blocks = await told(driver, Geis(FrequencySweep(1000.0, 1.0, 5), 1e-4, settle_s=0.0))
        assert isinstance(blocks[0], Spectrum)
        assert kit.Experiment.strings[1][1].split(",")[2] == "0.0001"
        assert np.all(joined(blocks, "i_ac_rms_A") == 1e-4)

    stand.play(story)


class PublicBridge:
    """The server that has the Immediate calls alone, by the standard library's own XML-RPC."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.cell_on = True

    def receive(self, data: bytes) -> bytes:
        _, method = xmlrpc.client.loads(data.partition(b"\r\n\r\n")[2])
        assert method is not None
        self.heard.append(method)
        answers: dict[str, Any] = {
            "UpdateStatus": "",
            "GetE": 3.3,
            "GetI": 0.0,
            "GetOverload": 0,
            "GetIRange": "2mA",
        }
        if method == "SetCellOff":
            self.cell_on, answer = False, ""
        elif method == "GetCellEnabled":
            answer = self.cell_on
        elif method in answers:
            answer = answers[method]
        else:
            answer = xmlrpc.client.Fault(1, f"no {method}")
        body = xmlrpc.client.dumps(
            answer if isinstance(answer, xmlrpc.client.Fault) else (answer,), methodresponse=True
        )
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
            f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            for piece in (body[:50].encode(), body[50:].encode(), b"")
        )


def test_vd_3_a_server_without_experiments_is_read_and_switched_off_and_nothing_else() -> None:
    async def main(clock: Clock) -> None:
        server = PublicBridge()
        driver = create("vdk", "mem://gda", {}, clock, lambda resource: MemoryTransport(server, clock, "gda"))
        await driver.open()
        assert not server.cell_on
        able = driver.capabilities()
        assert able.techniques == frozenset()
        assert not able.watchdog
        for technique in STORY:
            with pytest.raises(UsageError, match="no Experiment calls"):
                await driver.measure(technique)
        reading = await driver.read()
        assert (reading.e_V, reading.cell_on, reading.range_A) == (3.3, False, 2e-3)
        await driver.cell_off()
        await driver.close()
        assert "SetAutoIRangeOff" not in server.heard
        assert "SetCellOn" not in server.heard

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


def test_a_closed_driver_has_closed_the_kit_and_given_the_lease_back(stand: Any) -> None:
    async def story(driver: Any, clock: Clock, kit: Any) -> None:
        await driver.close()
        assert kit.heard[-1] == "Close"

    stand.play(story)
