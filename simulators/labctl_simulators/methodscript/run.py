"""Move a script: a generator that stops wherever plant time has to pass, and goes on when it has.

Nothing here looks at a clock: ``due_s`` says when the script has something to do next, and ``step(now_s)`` lets it do
all that is due. Source: potentiostat.md 2.1.2 (Z, Y, h, H) and 2.1.3 (end of a script).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labctl_simulators.methodscript.course import Course, Settings, Steps, Upset
from labctl_simulators.methodscript.errors import ScriptError
from labctl_simulators.methodscript.measuring import LOOPS
from labctl_simulators.methodscript.models import Model, ModeLimits
from labctl_simulators.methodscript.script import Script
from labctl_simulators.methodscript.words import WORDS
from labctl_simulators.world.potentiostat import Potentiostat

ACTS = {**WORDS, **LOOPS}


class ScriptRun:
    """One script under way on one instrument."""

    def __init__(
        self,
        script: Script,
        model: Model,
        modes: Mapping[int, ModeLimits],
        settings: Settings,
        plant: Potentiostat,
        upset: Upset,
        emit: Callable[[str], None],
        start_s: float,
    ) -> None:
        self._script = script
        self._course = Course(
            model, modes, settings, plant, upset, emit, ACTS, time_s=start_s, due_s=start_s, timer_s=start_s
        )
        self._halted_s: float | None = None
        self._steps: Steps = self._whole()
        self.ended = False

    @property
    def due_s(self) -> float:
        """Return the plant time at which there is something to do."""
        return self._course.due_s

    @property
    def halted(self) -> bool:
        """Tell whether the script stands still."""
        return self._halted_s is not None

    def step(self, now_s: float) -> None:
        """Do everything that is due by a moment. Raises: ScriptError when the script stops with an error."""
        while not self.ended and not self.halted and self.due_s <= now_s + 1e-6:
            try:
                next(self._steps)
            except StopIteration:
                self.ended = True
            except ScriptError:
                self.ended = True
                raise

    def abort(self, now_s: float) -> None:
        """Leave everything and go on with ``on_finished:``."""
        self._halted_s, self._course.late_s = None, 0.0
        self._course.time_s = self._course.due_s = now_s
        self._steps = self._after_abort()

    def leave_loop(self, now_s: float) -> bool:
        """End the measurement loop that is under way; tell whether there was one."""
        course = self._course
        if not course.open_blocks:
            return False
        self.resume(now_s)
        course.leaving, course.due_s = True, now_s
        course.time_s = now_s - course.late_s
        return True

    def halt(self, now_s: float) -> None:
        """Stand still; what drives the cell stays."""
        if self._halted_s is None:
            self._halted_s = now_s

    def resume(self, now_s: float) -> None:
        """Go on where :meth:`halt` stood still."""
        if self._halted_s is not None:
            self._course.late_s += now_s - self._halted_s
            self._course.due_s += now_s - self._halted_s
            self._halted_s = None

    def _whole(self) -> Steps:
        yield from self._course.block(self._script.body)
        yield from self._finish()

    def _after_abort(self) -> Steps:
        while self._course.open_blocks:
            self._course.emit(self._course.open_blocks.pop())
        yield from self._finish()

    def _finish(self) -> Steps:
        self._course.leaving = False
        yield from self._course.block(self._script.finished)
        self._course.emit("")
