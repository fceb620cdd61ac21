"""A PARSTAT 2263/2273 that a person runs with PowerSuite: it has no link, it leaves files in a folder.

The person reads the sheet, sets up the experiment, starts it, waits, and exports; all of it takes plant time. The
measurement is that of the same family. What PowerSuite does meanwhile is nobody else's to see. How long the person
takes is our choice. Source: potentiostat.md 2.3, 3.2.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labctl.errors import UserInputError
from labctl_simulators.adminfields import number
from labctl_simulators.onleads import OnLeads
from labctl_simulators.powersuite.export import Layout, export_text, half_of, voltammogram_text, with_comma
from labctl_simulators.powersuite.faults import DeviceFault, ExportFault, known_kind
from labctl_simulators.powersuite.sheet import Plan, points_of
from labctl_simulators.versastat.actions import MEASURE_OPEN_CIRCUIT, Action, read_action
from labctl_simulators.versastat.models import RANGES_A, Model
from labctl_simulators.versastat.points import Point
from labctl_simulators.versastat.sequence import OPEN_CIRCUIT_s, SequenceRun, Upset
from labctl_simulators.world.network import D1
from labctl_simulators.world.potentiostat import Potentiostat

FAULT_DELAY_s = 20.0
SETTLE_POINTS = 20


@dataclass(frozen=True, slots=True)
class Task:
    """What the person does with one sheet; times in plant seconds."""

    plan: Plan
    layout: Layout = Layout.POWERSUITE
    name: str = "spectrum.txt"
    operator_s: float = 60.0
    export_s: float = 10.0


class PowerSuiteDevice(OnLeads):
    """One instrument, its program and its person. ``folder`` is where exports appear; none without one."""

    kind = "powersuite"
    has_link = False

    def __init__(
        self, model: Model, plant: Potentiostat, clock_s: Callable[[], float], *, folder: Path | None
    ) -> None:
        super().__init__(plant, clock_s)
        self.model = model
        self.folder = folder
        self._task: Task | None = None
        self._run: SequenceRun | None = None
        self._armed: dict[ExportFault, float] = {}
        self._writings: list[tuple[float, Callable[[], None]]] = []
        self._measurements = 0
        self._exports: list[str] = []

    # -- the person ----------------------------------------------------------------------------------------

    def begin(self, task: Task) -> dict[str, Any]:
        """Let the person take a sheet in hand; returns what will be, range changes left out.

        Raises: UserInputError where PowerSuite does not take the settings, or is at work.
        """
        if self.running:
            raise UserInputError(f"{self.name} is measuring; its person has no hand free.")
        if self.folder is None:
            raise UserInputError(f"{self.name} has no folder for its exports; name one in the bench file.")
        plan = task.plan
        if ExportFault.OTHER_SETTINGS in self._armed:
            del self._armed[ExportFault.OTHER_SETTINGS]
            plan = replace(plan, last_Hz=plan.last_Hz * (10.0 if plan.last_Hz < plan.first_Hz else 0.1))
        actions = self._actions(plan)
        starts_s = self.act_s + task.operator_s
        self._measurements += 1
        self._task = task
        self._run = SequenceRun(actions, self.plant, starts_s, self._measurements, Upset(), math.nan)
        if self.on_accepted is not None:
            self.on_accepted("run", (json.dumps(asdict(task)),))
        frequencies_Hz = [float(f_Hz) for f_Hz in np.geomspace(plan.first_Hz, plan.last_Hz, points_of(plan))]
        lasts_s = OPEN_CIRCUIT_s + plan.settle_s + self.plant.duration_s(frequencies_Hz)
        return {
            "instrument": self.name,
            "file": str(self.folder / task.name),
            "points": len(frequencies_Hz),
            "starts_s": starts_s,
            "ends_s": starts_s + lasts_s,
            "exported_s": starts_s + lasts_s + task.export_s,
        }

    def _actions(self, plan: Plan) -> tuple[Action, ...]:
        """Return what PowerSuite does of a plan. Raises: UserInputError for what it does not take."""
        level, chosen = repr(plan.level), ""
        if not plan.galvanostatic:
            level += ",VS OC" if plan.against_open_circuit else ",VS REF"
            chosen = f"{self._range_name(plan.range_A)},"
        sweep = (
            f"{plan.first_Hz!r},{plan.last_Hz!r},{plan.amplitude!r},LOGARITHMIC,{plan.points_per_decade},1,0,{level},"
            f"{chosen}AUTO,NO,EXTERNAL,AUTO,AUTO"
        )
        hold = (
            f"{level},{plan.settle_s / SETTLE_POINTS!r},{plan.settle_s!r},NONE,<,0,NONE,<,0,{chosen}AUTO,AUTO,AUTO,YES,"
            f"EXTERNAL,{'' if plan.galvanostatic else 'DISABLED,0,NO,'}AUTO,AUTO"
        )
        holds, sweeps = _GALVANOSTATIC if plan.galvanostatic else _POTENTIOSTATIC
        try:
            held = [read_action(holds, hold, self.model)] if plan.settle_s else []
            measured = read_action(sweeps, sweep, self.model)
        except ValueError as error:
            told = f"PowerSuite does not take this for a {self.model.told}: {error}."
            raise UserInputError(told) from error
        return (Action(MEASURE_OPEN_CIRCUIT), *held, measured)

    def _range_name(self, current_A: float) -> str:
        """Return the smallest range that holds a current, as the person picks it. Raises: UserInputError."""
        holding = [name for name in self.model.range_names if RANGES_A[name] >= current_A * (1.0 - 1e-9)]
        if not holding:
            raise UserInputError(f"A {self.model.told} has no range of {current_A:g} A.")
        return holding[-1] if current_A else "AUTO"

    def stop(self) -> None:
        """Let the person press Stop: the cell is switched off, nothing is exported."""
        self._run = self._task = None
        if self.plant.is_on:
            self.plant.cell_off(self.act_s)
        if self.on_accepted is not None:
            self.on_accepted("stop", ())
        self.watch()

    def perform(self, command: str, lines: Sequence[str]) -> None:
        """Do again what was written down; the files of that time are there already."""
        if command == "stop":
            self.stop()
            return
        told = json.loads(lines[0])
        self.begin(Task(**{**told, "plan": Plan(**told["plan"]), "layout": Layout(told["layout"])}))

    # -- exports -------------------------------------------------------------------------------------------

    def _measured(self, task: Task, points: Sequence[Point], ended_s: float) -> None:
        """Let the person export, with what is wrong this time."""
        armed, self._armed = self._armed, {}
        late_s = max((delay_s for kind, delay_s in armed.items() if kind in _SLOW), default=0.0)
        due_s = ended_s + task.export_s + armed.get(ExportFault.LATE, 0.0)
        shown = [_on_d1(point) for point in points] if ExportFault.OTHER_CELL in armed else points
        wrong_columns = ExportFault.WRONG_COLUMNS in armed
        text = voltammogram_text(shown) if wrong_columns else export_text(shown, task.layout)
        text = with_comma(text) if ExportFault.COMMA in armed else text
        if ExportFault.NEVER_WHOLE in armed or ExportFault.PARTIAL in armed:
            first = half_of(text)
            self._writings.append((due_s, partial(self._write, task.name, first)))
            if ExportFault.PARTIAL in armed:
                self._writings.append(
                    (due_s + late_s, partial(self._write, task.name, text[len(first) :], "ab"))
                )
        elif ExportFault.REPLACED in armed:
            other = export_text([_on_d1(point) for point in points], task.layout)
            self._writings.append((due_s, partial(self._write, task.name, other)))
            self._writings.append((due_s + late_s, partial(self._write, task.name, text)))
        else:
            self._writings.append((due_s, partial(self._write, task.name, text)))

    def _write(self, name: str, text: str, mode: Literal["wb", "ab"] = "wb") -> None:
        """Write a file, or more of it; where the folder is gone PowerSuite says so to its person, nobody else."""
        self._exports.append(name)
        if self.folder is not None and not self.replaying:
            with contextlib.suppress(OSError), (self.folder / name).open(mode) as file:
                file.write(text.encode())

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """Return the model's name."""
        return self.model.name

    @property
    def running(self) -> bool:
        """Tell whether a measurement is under way, or about to begin."""
        return self._run is not None

    @property
    def owned(self) -> bool:
        """Tell whether a person stands there."""
        return self._run is not None

    def due_s(self) -> float:
        """Return when the measurement goes on or a file is written."""
        run_s = math.inf if self._run is None else self._run.due_s
        return min(run_s, *(due_s for due_s, _ in self._writings), math.inf)

    def step(self, now_s: float) -> None:
        """Let the measurement do what is due, and the files be written."""
        if self._run is not None:
            self._run.step(now_s)
            if self._run.ended:
                run, task, self._run, self._task = self._run, self._task, None, None
                if task is not None:
                    self._measured(task, run.points, now_s)
        due = [write for due_s, write in self._writings if due_s <= now_s + 1e-6]
        self._writings = [entry for entry in self._writings if entry[0] > now_s + 1e-6]
        for write in due:
            write()
        self.watch()

    # -- faults --------------------------------------------------------------------------------------------

    def fault(self, kind: str, request: Mapping[str, Any]) -> None:
        """Begin a fault, or end it with ``on: false``. Raises: UserInputError."""
        if kind == "clear":
            self._armed.clear()
            return
        known, on, now_s = known_kind(kind), bool(request.get("on", True)), self.act_s
        if isinstance(known, ExportFault):
            self._armed.pop(known, None)
            if on:
                self._armed[known] = number(request, "delay_s") if "delay_s" in request else FAULT_DELAY_s
        elif known is DeviceFault.WELDED:
            self.plant.set_welded(on, now_s)
        elif known is DeviceFault.POWER_CUT:
            self.lose_power()
        else:
            is_open = known is DeviceFault.OPEN_LEAD
            self.plant.set_leads(now_s, is_open=on and is_open, shorted=on and not is_open)
        self.watch()

    def of_the_link(self, kind: str) -> bool:
        """Tell whether a fault ends with the process: none does, an export is no connection."""
        return False

    def lose_power(self) -> None:
        """Restart: the measurement is gone and the cell is off; what was to be exported is exported."""
        self._run = self._task = None
        if self.plant.is_on:
            self.plant.cell_off(self.act_s)
        self.watch()

    def truth(self, after: int = 0) -> Mapping[str, Any]:
        """Return what the instrument really does and did, and the files that it has written."""
        return {
            **super().truth(after),
            "model": self.model.name,
            "measurements": self._measurements,
            "exports": list(self._exports),
            "folder": None if self.folder is None else str(self.folder),
        }


_POTENTIOSTATIC = ("Chronoamperometry", "EISPotentiostatic")
_GALVANOSTATIC = ("Chronopotentiometry", "EISGalvanostatic")
_SLOW = (ExportFault.PARTIAL, ExportFault.REPLACED)


def _on_d1(point: Point) -> Point:
    """Return a point as the dummy D1 would have shown it."""
    if point.frequency_Hz == 0.0:
        return point
    shown_ohm = complex(D1.impedance_ohm(np.array([point.frequency_Hz]))[0])
    return replace(point, impedance_ohm=shown_ohm, iac_A=point.vac_V / shown_ohm)
