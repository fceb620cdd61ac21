"""One sequence of actions under way: a generator that stops wherever plant time has to pass.

Nothing here looks at a clock: ``due_s`` says when there is something to do next, and ``step(now_s)`` does all that is
due. Source: potentiostat.md 2.2 (actions), 3.2 (time of a point). Our choice, because nobody has published it: a point
of a step lies at the end of its time, a limit ends its action, open circuit is measured for a second, the quality of
data (DQ) changes nothing, a loop does its actions as often as it says.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from labctl_simulators.versastat.actions import (
    MEASURE_OPEN_CIRCUIT,
    POINTS_MAX,
    RAMP_STEP_V,
    Action,
    corners,
    frequencies_Hz,
)
from labctl_simulators.versastat.points import Point
from labctl_simulators.world.potentiostat import EisPoint, Flag, Potentiostat, Reading, Sine, Sweep

OPEN_CIRCUIT_s = 1.0
TURNS_MAX = 10_000
"""Loops that turn more often in all end the sequence, as does a point too many: the instrument's memory is full."""
OVERLOAD_NONE, OVERLOAD_CURRENT, OVERLOAD_POTENTIAL = 0, 1, 2
CLIPPED = 1.5
"""An injected overload shows |Z| too large by this: the current is clipped."""
Steps = Iterator[None]


@dataclass(slots=True)
class Upset:
    """What a fault does to the points to come: an overload on some of them, no number in some of them."""

    overload: int = OVERLOAD_NONE
    overloaded_points: int = 0
    empty_points: int = 0


def overload_of(flags: Flag) -> int:
    """Return what ``GetOverload`` says of flags."""
    if Flag.OVERLOAD_POTENTIAL in flags:
        return OVERLOAD_POTENTIAL
    return OVERLOAD_CURRENT if Flag.OVERLOAD_CURRENT in flags else OVERLOAD_NONE


class SequenceRun:
    """A sequence that has been started; ``number`` keys its noise. It begins at ``start_s``."""

    def __init__(
        self,
        actions: Sequence[Action],
        plant: Potentiostat,
        start_s: float,
        number: int,
        upset: Upset,
        open_circuit_V: float,
    ) -> None:
        self.points: list[Point] = []
        self.start_s = self.due_s = self._time_s = start_s
        self.open_circuit_V = open_circuit_V
        self.ended = False
        self.overload = OVERLOAD_NONE
        self._actions, self._plant, self._number, self._upset = actions, plant, number, upset
        self._segment = 0
        self._applied_V = 0.0
        self._charge_C = 0.0
        self._leaving = False
        self._bounds_A = (plant.ladder[0].nominal_A, plant.ladder[-1].nominal_A)
        self._steps = self._whole()

    def step(self, now_s: float) -> None:
        """Do everything that is due by a moment."""
        while not self.ended and self.due_s <= now_s + 1e-6:
            try:
                next(self._steps)
            except StopIteration:
                self.ended = True
            if len(self.points) >= POINTS_MAX and not self.ended:
                self.ended = True
                self._plant.cell_off(self._time_s)

    def skip(self, now_s: float) -> None:
        """Leave the present action and go on with the next one."""
        self._leaving, self._time_s, self.due_s = True, now_s, now_s

    def stop(self) -> None:
        """End it; the cell switch stays as it is."""
        self.ended = True

    # -- the course ----------------------------------------------------------------------------------------

    def _whole(self) -> Steps:
        yield
        at, turns, done = 0, 0, dict[int, int]()
        while at < len(self._actions) and turns <= TURNS_MAX:
            action = self._actions[at]
            if action.name == "Loop":
                done[at] = done.get(at, 1) + 1
                if done[at] <= action.number("I"):
                    at, turns = max(0, at - int(action.number("NB"))), turns + 1
                    continue
                del done[at]
            elif action.name == "AutoCurrentRangeSetup":
                self._bounds_A = (action.number("MI"), action.number("MA"))
                self._plant.range = self._plant.holding(action.number("ICR"))
            else:
                self._segment, self._charge_C, self._leaving = at + 1, 0.0, False
                yield from _ACTS[action.name](self, action)
                if not action.leaves_cell_on and self._plant.is_on:
                    self._plant.cell_off(self._time_s)
            at += 1

    def _until(self, time_s: float) -> Steps:
        self._time_s = self.due_s = time_s
        yield

    def _energise(self, action: Action, *, galvanostatic: bool, value: float, swing: float = 0.0) -> None:
        """Impose a potential (V) or a current (A), in the range that is asked for, and close the cell switch.

        The value is set before the mode: a cell that is on never sees the new mode with an old value.
        """
        plant, now_s = self._plant, self._time_s
        if galvanostatic:
            plant.set_range(abs(value) + swing)
            plant.set_current(value, now_s)
        else:
            wanted = action.fields["IR"]
            if wanted == "AUTO":
                plant.set_autorange(*self._bounds_A)
            else:
                plant.set_range(float(wanted))
            plant.set_potential(value, now_s)
            self._applied_V = value
        if plant.galvanostatic is not galvanostatic:
            plant.use_galvanostat(galvanostatic, now_s)
        if not plant.is_on:
            plant.cell_on(now_s)

    def _resolve(self, action: Action, potential: str, reference: str) -> float:
        """Return a potential against the reference, in V."""
        value_V, against = action.number(potential), action.fields[reference]
        if against == "VS PREVIOUS":
            return value_V + self._applied_V
        if against == "VS OC":
            if math.isnan(self.open_circuit_V):
                self.open_circuit_V = self._reading().potential_V
            return value_V + self.open_circuit_V
        return value_V

    def _reading(self) -> Reading:
        return self._plant.reading(self._time_s, self._number, len(self.points) + 1)

    # -- actions -------------------------------------------------------------------------------------------

    def open_circuit(self, action: Action) -> Steps:
        """Measure the potential with the cell off, as points or as one number."""
        if self._plant.is_on:
            self._plant.cell_off(self._time_s)
        if action.name == MEASURE_OPEN_CIRCUIT:
            yield from self._until(self._time_s + OPEN_CIRCUIT_s)
        else:
            yield from self._each(action, lambda: None)
        self.open_circuit_V = self._reading().potential_V

    def hold_potential(self, action: Action) -> Steps:
        """Hold a potential and measure the current."""
        potential_V = self._resolve(action, "IP", "Vs")
        yield from self._each(action, lambda: self._energise(action, galvanostatic=False, value=potential_V))

    def hold_current(self, action: Action) -> Steps:
        """Drive a current and measure the potential."""
        current_A = action.number("IC")
        yield from self._each(action, lambda: self._energise(action, galvanostatic=True, value=current_A))

    def _each(self, action: Action, begin: Callable[[], None]) -> Steps:
        begin()
        start_s, per_point_s = self._time_s, action.number("TPP")
        count = max(1, math.floor(action.number("Dur") / per_point_s + 1e-6))
        for number in range(1, count + 1):
            yield from self._until(start_s + number * per_point_s)
            if self._leaving or self._measured(action, per_point_s):
                return

    def ramp(self, action: Action) -> Steps:
        """Go from corner to corner in steps of a millivolt; a step ends where its potential lies on the ramp."""
        corners_V = corners(action, lambda potential, reference: self._resolve(action, potential, reference))
        rate_V_per_s = action.number("SR")
        self._energise(action, galvanostatic=False, value=corners_V[0])
        start_s = self._time_s
        holds_s = (action.fields.get("VH", 0.0), action.fields.get("VH2", 0.0))
        for elapsed_s, potential_V in staircase(corners_V, rate_V_per_s, holds_s):
            self._applied_V = potential_V
            self._plant.set_potential(potential_V, self._time_s)
            yield from self._until(start_s + elapsed_s)
            if self._leaving or self._measured(action, RAMP_STEP_V / rate_V_per_s):
                return

    def impedance(self, action: Action) -> Steps:
        """Measure a spectrum."""
        galvanostatic = action.name == "EISGalvanostatic"
        amplitude = action.number("AC" if galvanostatic else "AP")
        if galvanostatic:
            swing_A = math.sqrt(2.0) * amplitude
            self._energise(action, galvanostatic=True, value=action.number("IC"), swing=swing_A)
        else:
            self._energise(action, galvanostatic=False, value=self._resolve(action, "IP", "Vs"))
        if action.number("MD"):
            yield from self._until(self._time_s + action.number("MD"))
        asked_Hz = frequencies_Hz(action)
        sweep = Sweep(self._number, self._time_s, self._plant.duration_s(asked_Hz))
        for order, frequency_Hz in enumerate(asked_Hz):
            if self._leaving:
                return
            sine = Sine(frequency_Hz, amplitude, galvanostatic)
            plan = self._plant.plan_point(sine, self._time_s, sweep, order)
            yield from self._until(plan.end_s)
            if not self._leaving:
                self._spectral(self._plant.point(plan))

    # -- points --------------------------------------------------------------------------------------------

    def _measured(self, action: Action, lasted_s: float) -> bool:
        """Take a point of direct current; tell whether a limit of the action has been passed."""
        reading = self._reading()
        self._charge_C += reading.current_A * lasted_s if self._plant.driving else 0.0
        self._note(reading.flags)
        point = Point(
            self._segment, len(self.points), reading.potential_V,
            reading.current_A if self._plant.driving else 0.0, self._time_s - self.start_s,
            reading.range.index, self._applied_V, self._charge_C,
        )  # fmt: skip
        self.points.append(point)
        values = {"CURRENT": point.current_A, "POTENTIAL": point.potential_V, "CHARGE": point.charge_C}
        for limit in ("L1", "L2"):
            kind = action.fields[f"{limit}T"]
            if kind != "NONE":
                beyond = values[kind] - action.number(f"{limit}V")
                if beyond > 0.0 if action.fields[f"{limit}D"] == ">" else beyond < 0.0:
                    return True
        return False

    def _spectral(self, point: EisPoint) -> None:
        shown_ohm = point.impedance_ohm
        if self._note(point.flags):
            shown_ohm *= CLIPPED
        if self._upset.empty_points > 0:
            self._upset.empty_points -= 1
            shown_ohm = complex(math.nan, math.nan)
        # The phase of the potential itself is arbitrary from point to point (2.2.4).
        turn = math.pi * self._plant.chance.within("phase", len(self.points))
        vac_V = cmath.rect(point.e_ac_rms_V, turn)
        self.points.append(
            Point(
                self._segment, len(self.points), point.e_dc_V, point.i_dc_A, point.end_s - self.start_s,
                point.range.index, self._applied_V, 0.0, point.frequency_Hz, shown_ohm, vac_V,
                vac_V / shown_ohm,
            )
        )  # fmt: skip

    def _note(self, flags: Flag) -> bool:
        """Keep the overload of a point until somebody asks for the status; tell whether it was injected."""
        found, injected = overload_of(flags), self._upset.overloaded_points > 0
        if injected:
            self._upset.overloaded_points -= 1
            found = self._upset.overload
        self.overload = max(self.overload, found)
        return injected


_ACTS: Mapping[str, Callable[[SequenceRun, Action], Steps]] = {
    "OpenCircuit": SequenceRun.open_circuit,
    MEASURE_OPEN_CIRCUIT: SequenceRun.open_circuit,
    "LinearScanVoltammetry": SequenceRun.ramp,
    "CyclicVoltammetry": SequenceRun.ramp,
    "MultiCyclicVoltammetry": SequenceRun.ramp,
    "Chronoamperometry": SequenceRun.hold_potential,
    "Chronopotentiometry": SequenceRun.hold_current,
    "EISPotentiostatic": SequenceRun.impedance,
    "EISGalvanostatic": SequenceRun.impedance,
}


def staircase(
    corners_V: Sequence[float], rate_V_per_s: float, holds_s: tuple[float, float] = (0.0, 0.0)
) -> Iterator[tuple[float, float]]:
    """Return (elapsed s, potential V) each millivolt of a way, the first at its beginning.

    ``holds_s`` are spent at the first and every second inner corner, and at the others.
    """
    number, passed_V, held_s = 0, 0.0, 0.0
    for leg, (begin_V, end_V) in enumerate(pairwise(corners_V)):
        if leg:
            held_s += holds_s[(leg - 1) % 2]
        length_V, sign = abs(end_V - begin_V), math.copysign(1.0, end_V - begin_V)
        while number * RAMP_STEP_V <= passed_V + length_V + 1e-9:
            along_V = number * RAMP_STEP_V
            yield along_V / rate_V_per_s + held_s, begin_V + sign * (along_V - passed_V)
            number += 1
        passed_V += length_V
