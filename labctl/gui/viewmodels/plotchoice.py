"""What a person chose to see of a channel: plot, axes, cycles, what is done to curves; each change is an edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.cyclecurves import CycleList, cycle_list
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.words import mark, tr

SAMPLED_MAX = 8
"""More sweeps of one cell cannot be told apart on the ramp (design README 9)."""


class Tab(StrEnum):
    """The plots of a channel."""

    VOLTAGE = "V-t"
    CURRENT = "I-t"
    SWEEPS = "V-Q"
    CYCLES = "Cycle Q + CE"
    DQDV = "dQ/dV"
    OVERLAY = "Overlay"


TAB_WORDS: Mapping[Tab, str] = {
    Tab.VOLTAGE: "V-t", Tab.CURRENT: "I-t", Tab.SWEEPS: "V-Q", Tab.CYCLES: mark("plotchoice", "Cycle Q + CE"),
    Tab.DQDV: "dQ/dV", Tab.OVERLAY: mark("plotchoice", "Overlay"),
}  # fmt: skip


class Axis(StrEnum):
    """What stands on x."""

    TIME = "time"
    CYCLE = "cycle"
    CAPACITY = "capacity"
    PER_GRAM = "capacity/g"
    PER_AREA = "capacity/cm2"
    VOLTAGE = "voltage"


AXIS_WORDS: Mapping[Axis, str] = {
    Axis.TIME: mark("plotchoice", "time"), Axis.CYCLE: mark("plotchoice", "cycle"),
    Axis.CAPACITY: mark("plotchoice", "capacity"), Axis.PER_GRAM: mark("plotchoice", "capacity/g"),
    Axis.PER_AREA: mark("plotchoice", "capacity/cm²"), Axis.VOLTAGE: mark("plotchoice", "voltage"),
}  # fmt: skip
_CHARGES = (Axis.CAPACITY, Axis.PER_GRAM, Axis.PER_AREA)
AXES: Mapping[Tab, tuple[Axis, ...]] = {
    Tab.VOLTAGE: (Axis.TIME, *_CHARGES, Axis.CYCLE), Tab.CURRENT: (Axis.TIME, Axis.CYCLE),
    Tab.SWEEPS: (*_CHARGES, Axis.TIME, Axis.CYCLE), Tab.CYCLES: (Axis.CYCLE,), Tab.DQDV: (Axis.VOLTAGE,),
    Tab.OVERLAY: _CHARGES,
}  # fmt: skip
"""What may stand on x of each plot. V over capacity is V-Q, V over time is V-t: choosing one leads to the other."""
SWEEP_TABS = frozenset({Tab.SWEEPS, Tab.DQDV, Tab.OVERLAY})
TIME_TABS = frozenset({Tab.VOLTAGE, Tab.CURRENT})


@dataclass(frozen=True, slots=True)
class Curve:
    """What a person did to one curve. ``name`` empty = its own."""

    hidden: bool = False
    pinned: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Everything that is chosen. ``cycles`` is the text of the list; empty = the newest ones, as they come."""

    tab: Tab = Tab.VOLTAGE
    axes: Mapping[Tab, Axis] = field(default_factory=dict)
    log_x: bool = False
    log_y: bool = False
    predicted: bool = True
    cycles: str = ""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    preferred: Axis = Axis.CAPACITY
    """What stands on x of a sweep where nobody has chosen: per gram where a mass is registered."""

    @property
    def axis(self) -> Axis:
        """Return what stands on x of the plot that is shown."""
        found = self.axes.get(self.tab, self.preferred if self.tab in SWEEP_TABS else None)
        return found if found in AXES[self.tab] else AXES[self.tab][0]


class PlotChoice:
    """The choice of one view. Methods return the edit (None = nothing would change); the view puts it on its stack."""

    def __init__(self) -> None:
        self.now = Chosen()
        self._watchers: list[Callable[[Chosen], None]] = []

    def watch(self, observer: Callable[[Chosen], None]) -> Callable[[], None]:
        """Call ``observer`` with what was chosen before, after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _put(self, chosen: Chosen) -> None:
        before, self.now = self.now, chosen
        for observer in tuple(self._watchers):
            observer(before)

    def _edit(self, text: str, **changes: Any) -> Edit | None:
        before, after = self.now, replace(self.now, **changes)
        return None if before == after else Edit(text, lambda: self._put(after), lambda: self._put(before))

    def prefer(self, axis: Axis) -> None:
        """Say which charge stands on x while nobody chooses: the cell decides, it is no edit."""
        if self.now.preferred is not axis:
            self._put(replace(self.now, preferred=axis))

    # -- edits ------------------------------------------------------------------------------------------------------

    def show_tab(self, tab: Tab) -> Edit | None:
        """Show another plot."""
        return self._edit(
            tr("plotchoice", "show {plot}").format(plot=tr("plotchoice", TAB_WORDS[tab])), tab=tab
        )

    def show_axis(self, axis: Axis) -> Edit | None:
        """Put something else on x; a capacity leads from V-t to V-Q, time and cycle lead back."""
        tab = self.now.tab
        if tab is Tab.VOLTAGE and axis in _CHARGES:
            tab = Tab.SWEEPS
        elif tab is Tab.SWEEPS and axis not in _CHARGES:
            tab = Tab.VOLTAGE
        text = tr("plotchoice", "{axis} on x").format(axis=tr("plotchoice", AXIS_WORDS[axis]))
        return self._edit(text, tab=tab, axes={**self.now.axes, tab: axis})

    def show_logs(self, log_x: bool, log_y: bool) -> Edit | None:
        """Make axes logarithmic or linear."""
        return self._edit(tr("plotchoice", "logarithmic axes"), log_x=log_x, log_y=log_y)

    def show_predicted(self, wanted: bool) -> Edit | None:
        """Draw the predicted curve or not."""
        return self._edit(tr("plotchoice", "predicted curve"), predicted=wanted)

    def list_cycles(self, text: str) -> Edit | None:
        """Draw the cycles of a list (R9); empty = the newest. What cannot be read: see ``cycle_list``."""
        return self._edit(tr("plotchoice", "cycles {list}").format(list=text or "…"), cycles=text.strip())

    def change_curve(self, key: str, **changes: Any) -> Edit | None:
        """Hide, pin or name a curve (R9)."""
        after = replace(self.now.curves.get(key, Curve()), **changes)
        text = tr("plotchoice", "curve {name}").format(name=after.name or key)
        return self._edit(text, curves={**self.now.curves, key: after})

    # -- what follows from it ---------------------------------------------------------------------------------------

    def curve(self, key: str) -> Curve:
        """Return what was done to a curve."""
        return self.now.curves.get(key, Curve())

    def listed(self, last: int) -> CycleList:
        """Return the cycles to draw, of ``last`` that there are; the pinned ones always."""
        found = newest_cycles(last) if not self.now.cycles else cycle_list(self.now.cycles, last)
        pinned = {int(key) for key, curve in self.now.curves.items() if curve.pinned and key.isdigit()}
        return CycleList(
            tuple(sorted({*found.cycles, *(cycle for cycle in pinned if cycle <= last)})), found.problem
        )

    def save(self) -> dict[str, Any]:
        """Return what is kept per user: the plot and its axes, nothing of one run."""
        return {"tab": self.now.tab.value, "predicted": self.now.predicted,
                "axes": {tab.value: axis.value for tab, axis in self.now.axes.items()}}  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what ``save`` gave; what is not known any more is left out."""
        tabs, axes = {tab.value: tab for tab in Tab}, {axis.value: axis for axis in Axis}
        kept = state.get("axes")
        found = {
            tabs[tab]: axes[axis]
            for tab, axis in (kept.items() if isinstance(kept, Mapping) else ())
            if tab in tabs and axis in axes
        }
        tab = tabs.get(str(state.get("tab")), Tab.VOLTAGE)
        self._put(replace(self.now, tab=tab, axes=found, predicted=bool(state.get("predicted", True))))


def newest_cycles(last: int, count: int = 3) -> CycleList:
    """Return the newest cycles that there are."""
    return CycleList(tuple(range(max(1, last - count + 1), last + 1)))


def sampled(first: int, last: int) -> str:
    """Return a list of at most eight cycles from one to another, both ends drawn: ``1:43:6,50``."""
    first, last = max(1, min(first, last)), max(1, first, last)
    if last == first:
        return str(first)
    step = max(1, -(-(last - first) // (SAMPLED_MAX - 1)))
    top = first + (last - first) // step * step
    text = f"{first}:{top}:{step}" if step > 1 else f"{first}:{last}"
    return text if top == last or step == 1 else f"{text},{last}"


def ends_of(text: str, last: int) -> tuple[int, int]:
    """Return the first and last cycle of a list, for the slider."""
    cycles = cycle_list(text, last).cycles if text else newest_cycles(last).cycles
    return (min(cycles), max(cycles)) if cycles else (1, max(1, last))
