"""The words of a script that measure nothing: variables, settings, cell switch, time, packages.

Source: potentiostat.md 2.1.4.
"""

from __future__ import annotations

from collections.abc import Mapping

from labctl_simulators.methodscript.course import Act, Course, Steps, Variable
from labctl_simulators.methodscript.errors import Code
from labctl_simulators.methodscript.models import GALVANOSTAT
from labctl_simulators.methodscript.script import Instruction
from labctl_simulators.methodscript.wire import VarType, encode_variable


def declare(course: Course, instruction: Instruction) -> None:
    """Declare a variable."""
    course.variables[str(instruction.arguments[0])] = Variable()


def store(course: Course, instruction: Instruction) -> None:
    """Assign a literal of a type."""
    (value,) = course.numbers(instruction)
    course.variables[str(instruction.arguments[0])] = Variable(value, str(instruction.arguments[2]))


def channel(course: Course, instruction: Instruction) -> None:
    """Choose the only channel."""
    if course.numbers(instruction)[0] != 0.0:
        raise course.fail(Code.NO_SUCH_CHANNEL)


def mode(course: Course, instruction: Instruction) -> None:
    """Choose the PGStat mode, with the cell off."""
    wanted = int(course.numbers(instruction)[0])
    if wanted not in course.modes:
        raise course.fail(Code.MODE_UNSUPPORTED)
    if course.plant.is_on:
        raise course.fail(Code.NEEDS_CELL_OFF)
    if wanted != course.settings.mode:
        course.settings.mode = wanted
        course.plant.use_ladder(course.limits.ladder)
        course.plant.use_galvanostat(wanted == GALVANOSTAT, course.plant_s)


def bandwidth(course: Course, instruction: Instruction) -> None:
    """Set the bandwidth; faster points are damped by it."""
    course.settings.bandwidth_Hz = course.numbers(instruction)[0]


def range_minmax(course: Course, instruction: Instruction) -> None:
    """State the lowest and the highest potential of the run."""
    course.allow_V(*course.numbers(instruction))


def ranges(course: Course, instruction: Instruction) -> None:
    """Set a range, or the range of ranges of the autoranger, of current or potential."""
    numbers, kind = course.numbers(instruction), instruction.arguments[0]
    if kind in (VarType.MEASURED_POTENTIAL, VarType.SET_POTENTIAL):
        if not course.model.potential_ranges:
            raise course.fail(Code.NOT_FOR_THIS_MODEL)
        course.settings.potential_index = course.model.potential_index(numbers[-1])
    elif kind not in (VarType.MEASURED_CURRENT, VarType.SET_CURRENT):
        raise course.fail(Code.BAD_TYPE)
    elif len(numbers) == 1:
        course.plant.set_range(abs(numbers[0]))
    elif numbers[0] > numbers[1]:
        raise course.fail(Code.OUT_OF_BOUNDS)
    else:
        course.plant.set_autorange(*numbers)


def set_e(course: Course, instruction: Instruction) -> None:
    """Set the potential; a cell that is on follows at once."""
    (potential_V,) = course.numbers(instruction)
    course.allow_V(potential_V)
    course.plant.set_potential(potential_V, course.plant_s)


def set_i(course: Course, instruction: Instruction) -> None:
    """Set the current of the galvanostat."""
    (current_A,) = course.numbers(instruction)
    if GALVANOSTAT not in course.modes:
        raise course.fail(Code.NOT_SUPPORTED)
    if abs(current_A) > course.model.current_max_A:
        raise course.fail(Code.OUT_OF_BOUNDS)
    course.plant.set_current(current_A, course.plant_s)


def cell_on(course: Course, instruction: Instruction) -> None:
    """Close the cell switch."""
    course.plant.cell_on(course.plant_s)


def cell_off(course: Course, instruction: Instruction) -> None:
    """Open the cell switch."""
    course.plant.cell_off(course.plant_s)


def wait(course: Course, instruction: Instruction) -> Steps:
    """Let time pass."""
    yield from course.until(course.time_s + course.numbers(instruction)[0])


def timer_start(course: Course, instruction: Instruction) -> None:
    """Start the timer."""
    course.timer_s = course.time_s


def timer_get(course: Course, instruction: Instruction) -> None:
    """Read the timer."""
    elapsed_s = course.time_s - course.timer_s
    course.variables[str(instruction.arguments[0])] = Variable(elapsed_s, VarType.TIME)


def send_string(course: Course, instruction: Instruction) -> None:
    """Say a text."""
    course.emit(f"T{instruction.arguments[0]}")


def pck_start(course: Course, instruction: Instruction) -> None:
    """Begin a package."""
    course.package = []


def pck_add(course: Course, instruction: Instruction) -> None:
    """Add a variable with its metadata."""
    held = course.variables[str(instruction.arguments[0])]
    course.package.append(encode_variable(held.kind, held.value, held.status, held.index))


def pck_end(course: Course, instruction: Instruction) -> None:
    """Send the package."""
    course.emit("P" + ";".join(course.package))


WORDS: Mapping[str, Act] = {
    "var": declare,
    "store_var": store,
    "set_pgstat_chan": channel,
    "set_pgstat_mode": mode,
    "set_max_bandwidth": bandwidth,
    "set_range_minmax": range_minmax,
    "set_range": ranges,
    "set_autoranging": ranges,
    "set_e": set_e,
    "set_i": set_i,
    "cell_on": cell_on,
    "cell_off": cell_off,
    "wait": wait,
    "timer_start": timer_start,
    "timer_get": timer_get,
    "send_string": send_string,
    "pck_start": pck_start,
    "pck_add": pck_add,
    "pck_end": pck_end,
}
