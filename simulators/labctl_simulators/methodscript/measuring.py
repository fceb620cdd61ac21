"""The measurement loops of a script: open circuit, DC techniques and spectra (potentiostat.md 2.1.4, 3.2).

A point is measured at the end of its time, then the loop's body runs, which is what sends packages. The loop's first
variables take the point: a set quantity has no metadata, a measured one carries status and range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from labctl_simulators.methodscript.course import Act, Course, Steps, Variable
from labctl_simulators.methodscript.errors import Code
from labctl_simulators.methodscript.models import AMPLITUDE_MAX_V, AMPLITUDE_MIN_V, EIS_MIN_Hz
from labctl_simulators.methodscript.script import Instruction
from labctl_simulators.methodscript.wire import VarType, rounded
from labctl_simulators.world.potentiostat import EisPoint, Sine, Sweep, log_spaced_Hz

POINTS_MAX = 100_000
SCANS_MAX = 1000


def _names(instruction: Instruction) -> list[str]:
    """Return the names of the variables that take a point."""
    pairs = zip(instruction.arguments, instruction.checks, strict=True)
    return [str(argument) for argument, check in pairs if check == "variable"]


def _counted(course: Course, count: float) -> int:
    """Return how many points there will be. Raises: ScriptError for more than an instrument would take."""
    if count > POINTS_MAX:
        raise course.fail(Code.OUT_OF_BOUNDS)
    return max(1, math.floor(count + 1e-6))


def _begin(course: Course, technique: int, *, needs_cell: bool = True) -> float:
    """Announce a loop and return its start. Raises: ScriptError where the cell switch is wrong for it."""
    if needs_cell and not course.plant.is_on:
        raise course.fail(Code.NEEDS_CELL_ON)
    course.settings.measurement += 1
    course.emit(f"M{technique:04X}")
    course.open_blocks.append("*")
    return course.time_s


def _end(course: Course) -> None:
    course.leaving = False
    course.emit(course.open_blocks.pop())


def _dc(
    course: Course, instruction: Instruction, grid_s: tuple[float, float], potentials_V: Sequence[float]
) -> Steps:
    """Hold one potential after another, each for a step of the grid (start, step), and measure at its end."""
    names, (start_s, step_s) = _names(instruction), grid_s
    for number, potential_V in enumerate(potentials_V, start=1):
        course.plant.set_potential(potential_V, course.plant_s)
        yield from course.until(start_s + number * step_s)
        if course.leaving:
            return
        course.suffer()
        reading = course.plant.reading(course.plant_s, course.settings.measurement, number)
        status = course.nibble(reading.flags)
        course.variables[names[0]] = Variable(potential_V, VarType.SET_POTENTIAL)
        course.variables[names[1]] = Variable(
            reading.current_A, VarType.MEASURED_CURRENT, status, reading.range.index
        )
        yield from course.block(instruction.body)


def _potentials(course: Course, instruction: Instruction, grid_s: tuple[float, float], count: int) -> Steps:
    """Measure the potential, at open circuit or while the galvanostat drives."""
    names, (start_s, step_s) = _names(instruction), grid_s
    for number in range(1, count + 1):
        yield from course.until(start_s + number * step_s)
        if course.leaving:
            return
        course.suffer()
        reading = course.plant.reading(course.plant_s, course.settings.measurement, number)
        status = course.nibble(reading.flags)
        course.variables[names[0]] = Variable(
            reading.potential_V, VarType.MEASURED_POTENTIAL, status, course.settings.potential_index
        )
        if len(names) > 1:
            course.variables[names[1]] = Variable(
                course.plant.set_A, VarType.SET_CURRENT, status, reading.range.index
            )
        yield from course.block(instruction.body)


def ocp(course: Course, instruction: Instruction) -> Steps:
    """Measure the open-circuit potential; the cell must be off."""
    step_s, total_s = course.numbers(instruction)
    if course.plant.is_on:
        raise course.fail(Code.OCP_WITH_CELL_ON)
    count = _counted(course, total_s / step_s)
    start_s = _begin(course, 0x000B, needs_cell=False)
    yield from _potentials(course, instruction, (start_s, step_s), count)
    _end(course)


def ca(course: Course, instruction: Instruction) -> Steps:
    """Hold a potential and measure the current."""
    potential_V, step_s, total_s = course.numbers(instruction)
    course.need_potentiostat(potential_V)
    count = _counted(course, total_s / step_s)
    start_s = _begin(course, 0x0007)
    yield from _dc(course, instruction, (start_s, step_s), [potential_V] * count)
    _end(course)


def cp(course: Course, instruction: Instruction) -> Steps:
    """Drive a current and measure the potential."""
    current_A, step_s, total_s = course.numbers(instruction)
    course.need_galvanostat(current_A)
    count = _counted(course, total_s / step_s)
    start_s = _begin(course, 0x000A)
    course.plant.set_current(current_A, course.plant_s)
    yield from _potentials(course, instruction, (start_s, step_s), count)
    _end(course)


def lsv(course: Course, instruction: Instruction) -> Steps:
    """Step from one potential to another."""
    begin_V, end_V, step_V, rate_V_per_s = course.numbers(instruction)
    course.need_potentiostat(begin_V, end_V)
    steps_V = ramp_V(begin_V, end_V, step_V)
    _counted(course, len(steps_V))
    start_s = _begin(course, 0x0000)
    yield from _dc(course, instruction, (start_s, step_V / rate_V_per_s), steps_V)
    _end(course)


def cv(course: Course, instruction: Instruction) -> Steps:
    """Step round begin, vertex 1, vertex 2, begin; with ``nscans`` every round is a block of its own."""
    begin_V, vertex1_V, vertex2_V, step_V, rate_V_per_s = course.numbers(instruction)
    course.need_potentiostat(begin_V, vertex1_V, vertex2_V)
    wanted = instruction.options.get("nscans")
    scans = int(wanted[0]) if wanted else 1
    if not 1 <= scans <= SCANS_MAX:
        raise course.fail(Code.OUT_OF_BOUNDS)
    ways = (ramp_V(begin_V, vertex1_V, step_V), ramp_V(vertex1_V, vertex2_V, step_V)[1:])
    round_V = [*ways[0], *ways[1], *ramp_V(vertex2_V, begin_V, step_V)[1:]]
    _counted(course, scans * len(round_V))
    start_s, step_s = _begin(course, 0x0005), step_V / rate_V_per_s
    for scan in range(scans):
        if wanted:
            course.emit(f"C{scan:04X}")
            course.open_blocks.append("-")
        # The potential that a round begins at has been measured as the end of the one before.
        steps_V = round_V[1:] if scan else round_V
        yield from _dc(course, instruction, (start_s, step_s), steps_V)
        start_s += step_s * len(steps_V)
        if wanted:
            course.emit(course.open_blocks.pop())
        if course.leaving:
            break
    _end(course)


def eis(course: Course, instruction: Instruction) -> Steps:
    """Measure a spectrum, high to low or low to high; the DC value is held from the loop's beginning on."""
    galvanostatic = instruction.word == "meas_loop_geis"
    amplitude, first_Hz, last_Hz, count, dc = course.numbers(instruction)
    (course.need_galvanostat if galvanostatic else course.need_potentiostat)(dc)
    if any(not EIS_MIN_Hz <= asked_Hz <= course.limits.eis_max_Hz for asked_Hz in (first_Hz, last_Hz)):
        raise course.fail(Code.BAD_FREQUENCY)
    lowest, highest = (
        (0.0, course.model.current_max_A) if galvanostatic else (AMPLITUDE_MIN_V, AMPLITUDE_MAX_V)
    )
    if amplitude <= 0.0 or not lowest * (1 - 1e-9) <= amplitude <= highest * (1 + 1e-9):
        raise course.fail(Code.BAD_AMPLITUDE)
    # A real instrument rounds: what it reports is what it really did.
    asked_Hz = [rounded(each_Hz) for each_Hz in log_spaced_Hz(first_Hz, last_Hz, _counted(course, count))]
    (course.plant.set_current if galvanostatic else course.plant.set_potential)(dc, course.plant_s)
    _begin(course, 0x000E if galvanostatic else 0x000D)
    sweep = Sweep(course.settings.measurement, course.plant_s, course.plant.duration_s(asked_Hz))
    for order, frequency_Hz in enumerate(asked_Hz):
        sine = Sine(frequency_Hz, amplitude, galvanostatic)
        plan = course.plant.plan_point(sine, course.plant_s, sweep, order)
        yield from course.until(course.time_s + (plan.end_s - plan.start_s))
        if course.leaving:
            break
        course.suffer()
        _show(course, instruction, course.plant.point(plan))
        yield from course.block(instruction.body)
    _end(course)


def _show(course: Course, instruction: Instruction, point: EisPoint) -> None:
    """Put a point into its variables: the current's range rides on Z', the potential's on Z''."""
    status, settings = course.nibble(point.flags), course.settings
    shown_ohm = point.impedance_ohm
    if point.frequency_Hz > settings.bandwidth_Hz * (1.0 + 1e-6):
        shown_ohm *= 1.0 + 1j * point.frequency_Hz / settings.bandwidth_Hz
    values = (
        Variable(point.frequency_Hz, VarType.FREQUENCY),
        Variable(shown_ohm.real, VarType.IMPEDANCE_REAL, status, point.range.index),
        Variable(shown_ohm.imag, VarType.IMPEDANCE_IMAGINARY, status, settings.potential_index),
    )
    course.variables.update(zip(_names(instruction), values, strict=True))


def ramp_V(begin_V: float, end_V: float, step_V: float) -> list[float]:
    """Return the potentials of a staircase, both ends included where the step fits; products, no running sums."""
    count = math.floor(abs(end_V - begin_V) / step_V + 1e-6)
    potentials_V = begin_V + math.copysign(step_V, end_V - begin_V) * np.arange(count + 1)
    return [float(potential_V) for potential_V in potentials_V]


LOOPS: Mapping[str, Act] = {
    "meas_loop_ocp": ocp,
    "meas_loop_ca": ca,
    "meas_loop_cp": cp,
    "meas_loop_lsv": lsv,
    "meas_loop_cv": cv,
    "meas_loop_eis": eis,
    "meas_loop_geis": eis,
}
