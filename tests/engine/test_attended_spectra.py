"""A spectrum that a person attends, on the simulated instrument in jump time: however it ends, the cell is off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.attended import Taken, take
from labctl.engine.station import load_driver
from labctl.errors import UnknownStateError
from labctl.interfaces.potentiostat import Measurement
from labctl.model.spectrum import Spectrum
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.testing.potentiostatrig import d1_ohm
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.base import EXCHANGE_TIMEOUT_S, Transport
from labctl.transport.memory import MemoryTransport

SHORT = Peis(FrequencySweep(1e3, 10.0, 5), 0.01, settle_s=1.0)
SLOW = Peis(FrequencySweep(1.0, 0.1, 5), 0.01, settle_s=1.0)
"""Six points slow enough to come apart in jump time."""

PICO = {"name": "pico", "kind": "methodscript", "model": "espico", "dummy": "D1", "profile": "ideal"}


class Pipe(TappedPipe):
    """A link that tells each look at the open circuit."""

    def __init__(self, inner: Transport, clock: Clock, told: Callable[[], None]) -> None:
        super().__init__(inner, clock)
        self._told = told

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        await super().write(data, timeout_s)
        if b"meas_loop_ocp" in data:
            self._told()


class Desk:
    """A potentiostat with a dummy cell and a person: ``act`` is called with each count of points."""

    def __init__(self, act: Callable[[Desk, int], None] | None = None) -> None:
        self.virtual = open_virtual_bench({**small_bench(), "potentiostats": [PICO]})
        self.leave = asyncio.Event()
        self._act = act or (lambda desk, points: None)
        self.on_look: Callable[[int], None] = lambda looks: None
        self._looks = 0

    def truth(self) -> dict[str, Any]:
        return dict(self.virtual.admin({"do": "truth", "slot": "pico"}))

    def energised(self) -> bool:
        return any(act["what"] == "cell_on" for act in self.truth()["switched"])

    def fault(self, kind: str) -> None:
        self.virtual.admin({"do": "fault", "instrument": "pico", "kind": kind})

    def take(self, technique: Peis = SHORT, *, check_only: bool = False) -> Taken:
        async def main(clock: Clock) -> Taken:
            def connect(resource: str) -> Transport:
                inner = MemoryTransport(lambda: self.virtual.connect("pico"), clock, "pico")
                self.pipe = Pipe(inner, clock, self._looked)
                return self.pipe

            driver = load_driver("methodscript")("pico", "mem://pico", {}, clock, connect)
            return await take(driver, technique, self.leave, self._show, check_only=check_only)

        return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=self.virtual)

    def _looked(self) -> None:
        self._looks += 1
        self.on_look(self._looks)

    def _show(self, measurement: Measurement, block: Spectrum) -> None:
        self._act(self, measurement.points_got)


def test_a_whole_sweep_is_the_formula_with_the_open_circuit_before_and_after() -> None:
    desk = Desk()
    taken = desk.take()
    assert taken.is_whole and taken.points == taken.expected == 11
    assert taken.spectrum is not None
    truth_ohm = d1_ohm(taken.spectrum.frequency_Hz)
    assert (abs(taken.spectrum.z_ohm - truth_ohm) <= 1e-6 * abs(truth_ohm)).all()
    assert np.isfinite([taken.spectrum.head.ocv_before_V, taken.spectrum.head.ocv_after_V]).all()
    assert not desk.truth()["cell_on"]


@pytest.mark.parametrize(
    ("technique", "check_only"), [(Peis(FrequencySweep(2e6, 10.0), 2.0), False), (SHORT, True)]
)
def test_what_is_refused_or_only_checked_never_switches_the_cell_on(
    technique: Peis, check_only: bool
) -> None:
    desk = Desk()
    taken = desk.take(technique, check_only=check_only)
    assert len(taken.refused) == (0 if check_only else 2)
    assert taken.spectrum is None and not taken.is_whole
    assert not desk.energised()


def test_a_limit_known_only_with_the_open_circuit_is_a_refusal_with_the_cell_off() -> None:
    desk = Desk()
    taken = desk.take(Peis(FrequencySweep(1e3, 10.0), 0.01, e_dc_V=5.0))
    assert taken.refused and taken.error is None
    assert not desk.energised()


def test_who_is_told_to_leave_in_mid_sweep_keeps_the_points_with_the_cell_off() -> None:
    desk = Desk(lambda desk, points: desk.leave.set())
    taken = desk.take(SLOW)
    assert taken.told_to_end and taken.error is None and not taken.is_whole
    assert 1 <= taken.points < taken.expected
    assert taken.spectrum is not None and np.isfinite(taken.spectrum.head.ocv_after_V)
    assert not desk.truth()["cell_on"]


def test_who_is_told_to_leave_before_the_sweep_never_switches_the_cell_on() -> None:
    desk = Desk()
    desk.leave.set()
    taken = desk.take()
    assert taken.told_to_end and taken.spectrum is None
    assert not desk.energised()


@pytest.mark.parametrize("hung", [False, True])
def test_who_is_told_to_leave_while_the_open_circuit_is_measured_never_switches_the_cell_on(
    hung: bool,
) -> None:
    desk = Desk()

    def leave(looks: int) -> None:
        if looks == 2:  # the first one reads the cell switch back when the link is opened
            desk.leave.set()
            desk.pipe.hung = hung

    desk.on_look = leave
    taken = desk.take()
    assert taken.told_to_end and taken.spectrum is None
    assert isinstance(taken.error, UnknownStateError) == hung
    assert not desk.energised()


def test_an_instrument_that_gives_up_in_mid_sweep_leaves_its_points_and_the_reason() -> None:
    desk = Desk(lambda desk, points: desk.fault("critical_overload"))
    taken = desk.take(SLOW)
    assert "critical overload" in str(taken.error)
    assert not isinstance(taken.error, UnknownStateError)
    assert 1 <= taken.points < taken.expected
    assert not desk.truth()["cell_on"]


def test_after_a_lost_link_a_new_one_finds_the_cell_off_and_the_points_are_kept() -> None:
    desk = Desk(lambda desk, points: desk.pipe.cut())
    taken = desk.take(SLOW)
    assert "a new link has switched the cell off and read that back" in str(taken.error)
    assert not isinstance(taken.error, UnknownStateError)
    assert 1 <= taken.points < taken.expected
    assert not desk.truth()["cell_on"]


def test_where_the_instrument_answers_no_more_nobody_knows_whether_the_cell_is_off() -> None:
    def hang(desk: Desk, points: int) -> None:
        desk.pipe.hung = True

    taken = Desk(hang).take(SLOW)
    assert isinstance(taken.error, UnknownStateError)
    assert 1 <= taken.points < taken.expected
