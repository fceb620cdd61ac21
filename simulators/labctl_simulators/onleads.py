"""What every simulated potentiostat shares, whatever bytes it speaks: leads, plant time, the watch over its cell.

A potentiostat of the bench stands on this class and adds its wire. It says whether it is measuring (``running``) and
whether anybody answers for it (``owned``); this class moves the cell on its leads, keeps the bench's invariants about
the cell switch, and tells the truth. An instrument has no clock: ``clock_s`` tells the bench's plant time.

Source: safety-and-faults.md sections 2 and 3, virtual-time.md section 4.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from labctl.errors import UserInputError
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.world.loads import CellLoad, Load, tick_after, tick_of
from labctl_simulators.world.modes import TICK_s
from labctl_simulators.world.potentiostat import Potentiostat, SwitchEvent

UNOWNED_MAX_s = 60.0
"""A cell that stays on this long with nothing running and nobody connected is a safety violation."""


class OnLeads(ABC):
    """One potentiostat of the bench. ``path`` is the pseudo terminal that it is served on, if any.

    ``on_accepted`` is told what the instrument has taken, in the words in which ``perform`` does it again when a
    bench comes back; ``replaying`` says that it does so now. ``folder`` is where an instrument without a link leaves
    its files. ``plant_timers`` says that its own wire timers follow plant time; where they do not, ``later``
    runs something after a link time.
    """

    kind: ClassVar[str]
    has_link: ClassVar[bool] = True

    def __init__(self, plant: Potentiostat, clock_s: Callable[[], float]) -> None:
        self.name = plant.name
        self.plant = plant
        self.path = ""
        self.on_violation: Callable[[float, str, str], None] | None = None
        self.on_accepted: Callable[[str, Sequence[str]], None] | None = None
        self.replaying = False
        self.folder: Path | None = None
        self.plant_timers = True
        self.later: Callable[[float, Callable[[], None]], object] | None = None
        self._clock_s = clock_s
        self._moment_s = -math.inf
        self._unowned_since_s: float | None = None
        self._unowned_told = False
        plant.on_switch = self._switched

    @property
    @abstractmethod
    def running(self) -> bool:
        """Tell whether a measurement is under way."""

    @property
    @abstractmethod
    def owned(self) -> bool:
        """Tell whether somebody is connected who can switch the cell off."""

    @abstractmethod
    def due_s(self) -> float:
        """Return the plant time of the instrument's own next event; infinite when there is none."""

    @abstractmethod
    def step(self, now_s: float) -> None:
        """Do everything of the instrument's own that is due."""

    @abstractmethod
    def lose_power(self) -> None:
        """Restart, with the cell off."""

    @property
    @abstractmethod
    def model_name(self) -> str:
        """Return the model as a bench file names it."""

    @abstractmethod
    def perform(self, command: str, lines: Sequence[str]) -> object:
        """Do what ``on_accepted`` was told."""

    @abstractmethod
    def fault(self, kind: str, request: Mapping[str, Any]) -> None:
        """Begin a fault of the instrument or its link, or end it with ``on: false``. Raises: UserInputError."""

    @abstractmethod
    def of_the_link(self, kind: str) -> bool:
        """Tell whether a fault belongs to a connection, which ends with the process."""

    def connect(self, *, permanent: bool = False) -> ScriptLink:
        """Open a connection. Raises: UserInputError for an instrument that has no link."""
        raise UserInputError(f"{self.name} has no link of its own.")

    def more_links(self) -> Mapping[str, Callable[[], ScriptLink]]:
        """Return further connections that can be opened, by the end of their names behind ``NAME:``."""
        return {}

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Return plant time; the bench's own stands still while it lets events happen."""
        return max(self._clock_s(), self._moment_s)

    @property
    def act_s(self) -> float:
        """Return the moment at which an act takes effect: the last 0.1 s that has passed."""
        return tick_of(self.now_s) * TICK_s

    def next_tick(self) -> int:
        """Return the plant tick of the next event: of the instrument, of the cell, or of a cell that nobody owns."""
        tick, due_s = self.plant.next_tick(), min(self.due_s(), self._watch_s)
        return min(tick, tick_after(due_s)) if math.isfinite(due_s) else tick

    def happen(self) -> None:
        """Let the next event happen; the instrument goes first, because its point lies before the tick."""
        tick = self.next_tick()
        self._moment_s = tick * TICK_s
        self.step(self._moment_s)
        if self.plant.next_tick() <= tick:
            self.plant.happen()
        if math.isfinite(self._watch_s) and tick_after(self._watch_s) <= tick:
            self._unowned_told = True
            self._violate("energised_unowned", "the cell is on, nothing runs and nobody is connected")

    # -- the leads -----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Tell whether a measurement runs or the cell is driven."""
        return self.running or self.plant.driving

    def clip(self, load: Load | None) -> None:
        """Clip the leads on something else, now."""
        self.plant.connect(load, self.act_s)

    def cut(self, tick: int) -> None:
        """Commit the cell, because the air around it changes; :meth:`replan` follows."""
        if isinstance(self.plant.load, CellLoad):
            self.plant.load.cut(tick)

    def replan(self, tick: int) -> None:
        """Plan the cell anew."""
        if isinstance(self.plant.load, CellLoad):
            self.plant.load.replan()

    # -- the watch -----------------------------------------------------------------------------------------

    @property
    def _watch_s(self) -> float:
        """Return when a cell that nobody owns is told of; infinite when there is none, or it has been told."""
        if self._unowned_since_s is None or self._unowned_told:
            return math.inf
        return self._unowned_since_s + UNOWNED_MAX_s

    def watch(self) -> None:
        """Keep in mind since when the cell is on without anybody who answers for it; call after every change."""
        if self.running or self.owned or not self.plant.driving:
            self._unowned_since_s, self._unowned_told = None, False
        elif self._unowned_since_s is None:
            self._unowned_since_s = self.act_s

    def _violate(self, kind: str, detail: str) -> None:
        if self.on_violation is not None:
            self.on_violation(self.now_s, kind, detail)

    def _switched(self, event: SwitchEvent) -> None:
        if event.what == "cell_off" and self.plant.welded:
            self._violate("cell_switch_welded", "the cell was switched off and is still driven")

    def truth(self, after: int = 0) -> Mapping[str, Any]:
        """Return what the instrument really does and did; ``after`` leaves the older switch events out."""
        plant = self.plant
        return {
            "cell_on": plant.driving,
            "switch": plant.is_on,
            "running": self.running,
            "connected": self.owned,
            "path": self.path,
            "galvanostatic": plant.galvanostatic,
            "set_V": plant.set_V,
            "set_A": plant.set_A,
            "range_A": plant.range.nominal_A,
            "load": None if plant.load is None else plant.load.name,
            "switched": [_told(event) for event in plant.noted_after(after)],
        }


def _told(event: SwitchEvent) -> dict[str, Any]:
    value = None if math.isnan(event.value) else event.value
    told: dict[str, Any] = {"plant_s": event.time_s, "what": event.what, "value": value}
    if event.cell is not None:
        told |= {
            "cell": event.cell.cell_id,
            "shorted": event.cell.shorted,
            "elements_ohm": dict(event.cell.elements_ohm),
        }
    return told
