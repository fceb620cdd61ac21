"""The driver and the simulated 273A with analysers, each written apart: suite, figures, troubles, golden bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_drivers.par273a import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import InstrumentError, RefusedError, UnknownStateError
from labctl.interfaces.potentiostat import Potentiostat
from labctl.model.spectrum import PointFlag, Spectrum
from labctl.model.technique import Chronoamperometry, FrequencySweep, Peis
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatgolden import record, replay
from labctl.testing.potentiostatrig import PotentiostatSetup, d1_ohm
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport
from labctl.transport.replay import ReplayMismatch

GOLDEN = Path(__file__).parent / "golden"
LONG: dict[str, object] = {"step_max_s": 1e6, "step_max_by": "A. Tester"}
SPECTRUM = "a spectrum of the dummy cell is its formula, Z'' signed, amplitude rms, points exact"
STEPS = "potential steps: anodic current is positive and obeys Ohm"
ABORTED = "an abort switches the cell off at once and keeps the points"

Wiring = tuple[dict[str, object], dict[str, object], str]
WIRINGS: dict[str, Wiring] = {
    "lock-in 7265 on the bus": ({"lockin": "7265"}, {"analyser": "lockin72xx"}, "tcp://box:1234"),
    "1260 on the bus": ({"fra": "1260"}, {"analyser": "solartron1260"}, "tcp://box:1234"),
    "CR, delimiter CR, one lane": (
        {"lockin": "7270", "terminator": "cr"},
        {"analyser": "lockin72xx", "terminator": "cr", "delimiter": 13, "stop_lane": "shared"},
        "tcp://box:1234",
    ),
    "7270 on Ethernet": (
        {"lockin": "7270"},
        {"analyser": "lockin72xx", "analyser_resource": "tcp://lockin:50000"},
        "tcp://box:1234",
    ),
    "RS-232, 7270 on its plain port": (
        {"lockin": "7270", "link": "pty"},
        {"analyser": "lockin72xx", "analyser_resource": "tcp://lockin:50001"},
        "serial:///dev/ttyS0",
    ),
    "7230 on its plain port": (
        {"lockin": "7230"},
        {"analyser": "lockin72xx", "analyser_resource": "tcp://lockin:50001", "analyser_model": 7230},
        "tcp://box:1234",
    ),
}
"""What stands on the bench, the driver's options, and the resource of the 273A."""


def bench_with(entry: dict[str, object]) -> VirtualBench:
    told = {"name": "par", "kind": "par273a", "model": "273A", "dummy": "D1", "profile": "ideal", **entry}
    return open_virtual_bench({**small_bench(), "potentiostats": [told]})


class SimRig:
    """The driver on simulated instruments; the bench's admin requests are the eyes from outside."""

    def __init__(self, bench: VirtualBench, clock: Clock, options: dict[str, object], resource: str) -> None:
        self.bench = bench
        self.pipes: list[TappedPipe] = []
        names = {"50000": "par:lockin", "50001": "par:lockin-plain"}

        def connect(asked: str) -> TappedPipe:
            name = names.get(asked[-5:], "par")
            self.pipes.append(
                TappedPipe(MemoryTransport(lambda: bench.connect(name), clock, asked[6:]), clock)
            )
            return self.pipes[-1]

        self.potentiostat: Potentiostat = create("par", resource, {**LONG, **options}, clock, connect)

    def truth(self) -> dict[str, Any]:
        return self.bench.admin({"do": "truth", "slot": "par"})

    def cell_on(self) -> bool:
        return bool(self.truth()["cell_on"])

    def energisings(self) -> int:
        return sum(act["what"] == "cell_on" for act in self.truth()["switched"])

    def sent(self) -> int:
        return sum(pipe.sent for pipe in self.pipes)

    def cut(self) -> None:
        for pipe in self.pipes:
            pipe.cut()

    def hang(self, hung: bool) -> None:
        for pipe in self.pipes:
            pipe.hung = hung


def examined(wiring: str, case: str) -> None:
    entry, options, resource = WIRINGS[wiring]

    def make() -> PotentiostatSetup:
        bench = bench_with(entry)
        return PotentiostatSetup(lambda clock: SimRig(bench, clock, options, resource), bench, tolerance=1e-3)

    report = check_potentiostat(make, only=[case])
    assert not report.problems, report
    assert report.kept == (case,)


@pytest.mark.parametrize("case", CASES)
def test_the_driver_keeps_each_case_with_a_lockin(case: str) -> None:
    examined("lock-in 7265 on the bus", case)


@pytest.mark.parametrize("case", [SPECTRUM, "a galvanostatic spectrum is the same", ABORTED])
def test_the_driver_keeps_the_cases_of_spectra_with_an_fra(case: str) -> None:
    examined("1260 on the bus", case)


@pytest.mark.parametrize(
    "wiring",
    [
        "CR, delimiter CR, one lane",
        "7270 on Ethernet",
        "RS-232, 7270 on its plain port",
        "7230 on its plain port",
    ],
)
@pytest.mark.parametrize("case", [SPECTRUM, STEPS, ABORTED])
def test_what_differs_between_wires_is_kept_on_each(case: str, wiring: str) -> None:
    examined(wiring, case)


def play(
    wiring: str, story: Callable[[SimRig, Clock], Coroutine[Any, Any, None]], **more: object
) -> VirtualBench:
    """Play a story with an opened driver on a fresh bench."""
    entry, options, resource = WIRINGS[wiring]
    bench = bench_with({**entry, **more})

    async def main(clock: Clock) -> None:
        rig = SimRig(bench, clock, options, resource)
        await rig.potentiostat.open()
        try:
            await story(rig, clock)
        finally:
            await rig.potentiostat.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=bench)
    return bench


@pytest.mark.parametrize(
    ("wiring", "tolerance"), [("lock-in 7265 on the bus", 1e-6), ("1260 on the bus", 1e-4)]
)
def test_pa_7_a_sweep_of_ideal_instruments_is_the_formula_to_their_digits(
    wiring: str, tolerance: float
) -> None:
    found = spectrum_of(wiring)
    assert np.abs(found.z_ohm / d1_ohm(found.frequency_Hz) - 1).max() < tolerance
    assert len(set(found.range_A.tolist())) > 1


@pytest.mark.parametrize("wiring", ["lock-in 7265 on the bus", "1260 on the bus"])
def test_pa_7_a_sweep_of_calibrated_instruments_is_right_within_half_a_percent(wiring: str) -> None:
    found = spectrum_of(wiring, profile="calibrated")
    assert np.abs(found.z_ohm / d1_ohm(found.frequency_Hz) - 1).max() < 5e-3
    assert (found.z_re_ohm > 0).all()


def spectrum_of(wiring: str, **more: object) -> Spectrum:
    """Take 100 kHz to 1 Hz, five points a decade, at 10 mV rms."""
    found: list[Spectrum] = []

    async def story(rig: SimRig, clock: Clock) -> None:
        measurement = await rig.potentiostat.measure(Peis(FrequencySweep(100e3, 1.0, 5), 0.01, settle_s=1.0))
        async for block in measurement.blocks():
            assert isinstance(block, Spectrum)
            found.append(block)

    play(wiring, story, **more)
    whole = found[0]
    for block in found[1:]:
        whole = whole.then(block)
    assert len(whole) == 26
    return whole


@pytest.mark.parametrize("wiring", ["lock-in 7265 on the bus", "1260 on the bus"])
@pytest.mark.parametrize(
    ("dummy", "ocv_V", "z_ohm", "range_A"),
    [
        ("D3", 3.305, 2.5923 - 0.2899j, 1e-2),
        ("D4", 3.7, 0.0100 - 0.00003j, 1.0),
        ("D2", 0.0, 10.0 + 0.2823j, 1e-2),
    ],
)
def test_cells_with_a_potential_an_inductance_or_next_to_no_resistance_are_measured_too(
    wiring: str, dummy: str, ocv_V: float, z_ohm: complex, range_A: float
) -> None:
    found: list[Spectrum] = []

    async def story(rig: SimRig, clock: Clock) -> None:
        f_Hz = 10e3 if dummy == "D4" else 50e3
        technique = Peis(FrequencySweep(f_Hz, f_Hz / 10, 1), 0.005 if dummy == "D4" else 0.01, settle_s=5.0)
        measurement = await rig.potentiostat.measure(technique)
        found.extend([block async for block in measurement.blocks() if isinstance(block, Spectrum)])
        assert measurement.head.ocv_before_V == pytest.approx(ocv_V, abs=2e-3)

    play(wiring, story, dummy=dummy)
    assert found[0].z_ohm[0] == pytest.approx(z_ohm, abs=1e-4)
    assert found[0].range_A[0] == (1e-3 if wiring.startswith("1260") and dummy == "D2" else range_A)
    assert found[0].flags[0] in (0, PointFlag.RANGE_CHANGED)


def fault(rig: SimRig, kind: str, **fields: object) -> None:
    assert rig.bench.admin({"do": "fault", "instrument": "par", "kind": kind, **fields})["ok"]


def test_pa_4_with_the_front_switch_off_nothing_is_switched_on() -> None:
    async def story(rig: SimRig, clock: Clock) -> None:
        fault(rig, "disabled")
        with pytest.raises(RefusedError, match="CELL ENABLE"):
            await rig.potentiostat.measure(Chronoamperometry(((0.1, 1.0),), 0.5))
        assert rig.energisings() == 0

    play("lock-in 7265 on the bus", story)


def test_pa_8_slow_replies_behind_the_box_lose_nothing() -> None:
    async def story(rig: SimRig, clock: Clock) -> None:
        fault(rig, "slow", count=3, delay_s=2.0)
        reading = await rig.potentiostat.read()
        assert (reading.e_V, reading.cell_on) == (0.0, False)

    play("lock-in 7265 on the bus", story)


def test_so_1_a_stale_result_of_the_point_before_is_not_believed() -> None:
    async def story(rig: SimRig, clock: Clock) -> None:
        measurement = await rig.potentiostat.measure(Peis(FrequencySweep(1e3, 100.0, 3), 0.01, settle_s=0.0))
        blocks = []
        with pytest.raises(InstrumentError):
            async for block in measurement.blocks():
                assert isinstance(block, Spectrum)
                blocks.append(block)
                fault(rig, "stale")
        assert [float(block.frequency_Hz[0]) for block in blocks] == [1000.0]
        assert not rig.cell_on()

    play("1260 on the bus", story)


def test_a_welded_relay_is_told_as_unknown_with_what_to_do() -> None:
    async def story(rig: SimRig, clock: Clock) -> None:
        measurement = await rig.potentiostat.measure(Chronoamperometry(((0.1, 0.5),), 0.5))
        fault(rig, "welded")
        with pytest.raises(UnknownStateError, match=r"contacts may be welded.*press CELL ENABLE"):
            async for _ in measurement.blocks():
                pass
        fault(rig, "welded", on=False)
        await rig.potentiostat.open()

    play("lock-in 7265 on the bus", story)


# -- golden bytes ------------------------------------------------------------------------------------------------------

TAKES: dict[str, Wiring] = {
    "par273a-7265-d1": ({"lockin": "7265"}, {"analyser": "lockin72xx"}, "tcp://box:1234"),
    "par273a-1260-d1": ({"fra": "1260"}, {"analyser": "solartron1260"}, "tcp://box:1234"),
    "par273a-rs232-d1": ({"link": "pty"}, {}, "serial:///dev/ttyS0"),
}
"""One connection each: a transcript is of one."""


def maker(take: str) -> Callable[[Callable[[str], Transport], Clock], Potentiostat]:
    _, options, resource = TAKES[take]
    told = {**LONG, **options, "stop_lane": "shared"}
    return lambda connect, clock: create("par", resource, told, clock, connect)


def taken(take: str) -> tuple[list[str], dict[str, object]]:
    """Take a transcript anew from the simulator; what is stored beside this file came from here."""
    bench = bench_with(TAKES[take][0])
    return record(
        maker(take), lambda clock: MemoryTransport(lambda: bench.connect("par"), clock, "par"), bench
    )


@pytest.mark.parametrize("take", TAKES)
def test_the_driver_says_today_what_it_said_then_and_understands_the_same(take: str) -> None:
    told = json.loads((GOLDEN / f"{take}.json").read_text(encoding="utf-8"))
    assert replay(maker(take), GOLDEN / f"{take}.capture") == told
    assert len(told.get("Peis", {}).get("z_re_ohm", range(21))) == 21


@pytest.mark.parametrize("take", TAKES)
def test_a_transcript_taken_now_plays_again_and_tells_the_same(take: str) -> None:
    lines, told = taken(take)
    assert replay(maker(take), lines) == told


def test_a_driver_that_says_something_else_is_caught() -> None:
    lines = (GOLDEN / "par273a-7265-d1.capture").read_text(encoding="utf-8").splitlines(keepends=True)
    right, doubled = b"SETE 110".hex(), b"SETE 220".hex()
    spoilt = [line.replace(right, doubled) for line in lines]
    assert spoilt != lines
    with pytest.raises((ReplayMismatch, InstrumentError), match="wants to write"):
        replay(maker("par273a-7265-d1"), spoilt)
