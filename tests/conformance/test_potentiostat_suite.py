"""The examiner of potentiostat drivers on the MethodSCRIPT driver and its simulator, and on drivers with mistakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from labctl_drivers.methodscript import create

from labctl.clock import Clock
from labctl.errors import InstrumentError
from labctl.interfaces.potentiostat import Block, Potentiostat
from labctl.model.spectrum import Spectrum
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.memory import MemoryTransport

SPECTRUM = "a spectrum of the dummy cell is its formula, Z'' signed, amplitude rms, points exact"
STEPS = "potential steps: anodic current is positive and obeys Ohm"
CURRENTS = "current steps: anodic current gives a positive potential"
REFUSED = "what the model cannot do is refused before anything is sent"
IDENTITY = "it says what it is and can do, and opening energises nothing"


def bench_with(model: str, dummy: str = "D1") -> VirtualBench:
    """Open a bench in this process with one potentiostat and a dummy cell on it, without errors of measurement."""
    entry = {"name": "pico", "kind": "methodscript", "model": model, "dummy": dummy, "profile": "ideal"}
    return open_virtual_bench({**small_bench(), "potentiostats": [entry]})


class ScriptRig:
    """The MethodSCRIPT driver on a simulated instrument; the bench's admin requests are the eyes from outside."""

    def __init__(self, bench: VirtualBench, clock: Clock) -> None:
        self._bench = bench
        self.pipe = TappedPipe(MemoryTransport(lambda: bench.connect("pico"), clock, "pico"), clock)
        self.potentiostat: Potentiostat = create("pico", "mem://pico", {}, clock, lambda resource: self.pipe)

    def _truth(self) -> dict[str, Any]:
        return self._bench.admin({"do": "truth", "slot": "pico"})

    def cell_on(self) -> bool:
        return bool(self._truth()["cell_on"])

    def energisings(self) -> int:
        return sum(act["what"] == "cell_on" for act in self._truth()["switched"])

    def sent(self) -> int:
        return self.pipe.sent

    def cut(self) -> None:
        self.pipe.cut()

    def hang(self, hung: bool) -> None:
        self.pipe.hung = hung


def setups(
    model: str = "espico", spoil: Callable[[ScriptRig], None] | None = None
) -> Callable[[], PotentiostatSetup]:
    """Return a maker of fresh instruments with a fresh driver each; ``spoil`` plants a mistake in the driver."""

    def make() -> PotentiostatSetup:
        bench = bench_with(model)

        def rig(clock: Clock) -> ScriptRig:
            made = ScriptRig(bench, clock)
            if spoil is not None:
                spoil(made)
            return made

        return PotentiostatSetup(rig, bench)

    return make


@pytest.mark.parametrize("case", CASES)
def test_the_methodscript_driver_keeps_each_case_on_the_simulated_pico(case: str) -> None:
    report = check_potentiostat(setups(), only=[case])
    assert not report.problems, report
    assert report.kept == (case,)


@pytest.mark.parametrize("model", ["es4_lr", "es4_hr", "nexus1"])
@pytest.mark.parametrize(
    "case", [IDENTITY, REFUSED, SPECTRUM, "a galvanostatic spectrum is the same", CURRENTS]
)
def test_what_differs_between_models_is_kept_on_each(model: str, case: str) -> None:
    report = check_potentiostat(setups(model), only=[case])
    assert not report.problems, report


class Bent:
    """A measurement whose blocks, or whose errors, somebody has spoilt on their way."""

    def __init__(self, inner: Any, bend: Callable[[Block], Block], *, swallows: bool = False) -> None:
        self._inner = inner
        self._bend = bend
        self._swallows = swallows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def blocks(self) -> AsyncIterator[Block]:
        try:
            async for block in self._inner.blocks():
                yield self._bend(block)
        except InstrumentError:
            if not self._swallows:
                raise


def bending(bend: Callable[[Block], Block], *, swallows: bool = False) -> Callable[[ScriptRig], None]:
    """Return what spoils a driver so that its measurements are bent."""

    def spoil(rig: ScriptRig) -> None:
        inner = rig.potentiostat.measure

        async def measure(technique: Any) -> Any:
            return Bent(await inner(technique), bend, swallows=swallows)

        rig.potentiostat.measure = measure  # type: ignore[method-assign]  # the planted mistake

    return spoil


def _positive_im(block: Block) -> Block:
    return replace(block, z_ohm=block.z_ohm.conj()) if isinstance(block, Spectrum) else block


def _in_milliohm(block: Block) -> Block:
    return replace(block, z_ohm=block.z_ohm * 1000.0) if isinstance(block, Spectrum) else block


def _as_peak(block: Block) -> Block:
    return replace(block, e_ac_rms_V=block.e_ac_rms_V * 2**0.5) if isinstance(block, Spectrum) else block


def _cathodic(block: Block) -> Block:
    return block if isinstance(block, Spectrum) else replace(block, i_A=-block.i_A)


def _in_milliampere(block: Block) -> Block:
    return block if isinstance(block, Spectrum) else replace(block, i_A=block.i_A * 1000.0)


def _refuses_nothing(rig: ScriptRig) -> None:
    rig.potentiostat.refusals = lambda technique: ()  # type: ignore[method-assign]  # the planted mistake


def _closes_without_switching_off(rig: ScriptRig) -> None:
    rig.potentiostat.close = rig.pipe.close  # type: ignore[method-assign]  # the planted mistake


class Deaf(Bent):
    """A measurement that hears no abort."""

    async def abort(self) -> None:
        return


def _aborts_nothing(rig: ScriptRig) -> None:
    inner = rig.potentiostat.measure

    async def measure(technique: Any) -> Any:
        return Deaf(await inner(technique), lambda block: block)

    rig.potentiostat.measure = measure  # type: ignore[method-assign]  # the planted mistake


@pytest.mark.parametrize(
    ("case", "spoil"),
    [
        (SPECTRUM, bending(_positive_im)),
        (SPECTRUM, bending(_in_milliohm)),
        (SPECTRUM, bending(_as_peak)),
        (STEPS, bending(_cathodic)),
        (STEPS, bending(_in_milliampere)),
        (REFUSED, _refuses_nothing),
        ("closing in mid-run switches the cell off", _closes_without_switching_off),
        ("an abort switches the cell off at once and keeps the points", _aborts_nothing),
        (
            "a lost link is told, and the cell is off once it is back",
            bending(lambda block: block, swallows=True),
        ),
    ],
)
def test_a_driver_with_a_planted_mistake_is_found(case: str, spoil: Callable[[ScriptRig], None]) -> None:
    assert check_potentiostat(setups(spoil=spoil), only=[case]).problems
