"""The EIS view's own model: which cell is shown, who has it, its sweep, its spectra, and what can be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels.acts import Act, Acts
from labctl.gui.viewmodels.allowed import general, label_of
from labctl.gui.viewmodels.confirming import Confirmation
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.eis.history import CellHistory
from labctl.gui.viewmodels.eis.live import LiveSweep
from labctl.gui.viewmodels.eis.shelf import SpectrumShelf
from labctl.gui.viewmodels.eis.stages import (
    STAGE_WORDS,
    Lane,
    Prompt,
    cell_of,
    lanes_of,
    owner_words,
    prompt_of,
)
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.text import figures
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell
from labctl.model.handover import HandoverStatus, PotentiostatStatus, Stage

TOPICS = frozenset({"potentiostat", "handover", "spectrum", "channel", "cell", "link"})
CONFIRM, SKIP, CELL_OFF = "handovers.confirm", "handovers.skip", "potentiostats.cell_off"
VERBS = (CONFIRM, SKIP, CELL_OFF)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the view: the cell, what is known of it, and who owns it now."""

    cell: str
    facts: str
    owner: str
    owner_since: str
    sweep: str


def there(lab: Lab) -> bool:
    """Tell whether a station has anything to do with impedance: a potentiostat, a handover or a spectrum."""
    return bool(lab.potentiostats or lab.handovers or lab.spectra)


class EisModel:
    """Everything of one EIS view. ``watch`` tells of changes; call ``tick`` about twice a second while it is seen."""

    def __init__(self, lab: Lab, asks: Any, acts: Acts) -> None:
        self.lab, self._acts = lab, acts
        self.shelf = SpectrumShelf(asks)
        self.history = CellHistory(lab, self.shelf)
        self.live = LiveSweep(lab, asks)
        self.cell_id = ""
        self.fit_shown = True
        self._prompt_run = ""
        self._watchers: list[Callable[[], None]] = []
        self._unwatch = [
            lab.watch(TOPICS, self._changed), self.shelf.watch(self._tell), self.live.watch(self._tell),
            acts.watch(self._acted),
        ]  # fmt: skip

    def close(self) -> None:
        """Watch no more."""
        for unwatch in self._unwatch:
            unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def _changed(self, places: frozenset[Place]) -> None:
        topics = {topic for topic, _ in places}
        if "spectrum" in topics:
            self.history.renew()
        if "link" in topics and self.lab.link.live:
            self.shelf.forget_troubles()
        if not self.cell_id:
            self.choose_one()
        self.live.refresh()
        self._tell()

    def _acted(self, act: Act) -> None:
        if act.verb in VERBS:
            self._tell()

    def tick(self) -> None:
        """Ask for new points of the sweep."""
        self.live.refresh()

    # -- which cell -------------------------------------------------------------------------------------------------

    def show(self, target: str) -> bool:
        """Show a cell by its id, or the cell of a run, channel, potentiostat or spectrum; False where there is none."""
        found = self._cell_of(target)
        if not found:
            return False
        if target in self.lab.spectra:
            self.history.show(found)
            self.history.chosen = target
        self.show_cell(found)
        return True

    def show_cell(self, cell_id: str) -> None:
        """Show a cell."""
        self.cell_id = cell_id
        self.history.show(cell_id)
        self.live.show(cell_id)
        mine = self.handover
        if mine is not None and mine.asked:
            self._prompt_run = mine.run_id
        self._tell()

    def _cell_of(self, target: str) -> str:
        lab = self.lab
        if target in lab.spectra:
            return lab.spectra[target].cell_id
        if target in lab.potentiostats:
            return lab.potentiostats[target].cell_id
        if target in lab.handovers:
            return lab.handovers[target].cell_id
        if target in lab.channels:
            return str(lab.channels[target].cell_id)
        return target if target in self.cells() or target in lab.cells else ""

    def choose_one(self) -> None:
        """Show a cell where none is shown: one that waits for a person, that is measured, that waits, the newest."""
        lab = self.lab
        handovers = sorted(lab.handovers.values(), key=lambda one: (not one.asked, one.place))
        newest = max(lab.spectra.values(), key=lambda one: one.taken_utc, default=None)
        found = [one.cell_id for one in handovers if one.cell_id]
        found += [] if newest is None else [newest.cell_id]
        if found:
            self.show_cell(found[0])

    def cells(self) -> dict[str, str]:
        """Return the cells that have spectra or are on their way, with what people call them, by name."""
        lab = self.lab
        found = dict.fromkeys(one.cell_id for one in lab.handovers.values())
        found |= dict.fromkeys(one.cell_id for one in lab.spectra.values())
        if self.cell_id:
            found[self.cell_id] = None
        named = {cell_id: self.name_of(cell_id) for cell_id in found if cell_id}
        return dict(sorted(named.items(), key=lambda item: item[1]))

    def name_of(self, cell_id: str) -> str:
        """Return a cell as people call it."""
        cell = self.lab.cells.get(cell_id)
        return cell.name if cell is not None and cell.name else cell_id

    # -- what is drawn ----------------------------------------------------------------------------------------------

    def _edit(self, text: str, redo: Callable[[], None], undo: Callable[[], None]) -> Edit:
        def doing(act: Callable[[], None]) -> Callable[[], None]:
            def do() -> None:
                act()
                self._tell()

            return do

        return Edit(text, doing(redo), doing(undo))

    def choose(self, spectrum_id: str) -> Edit | None:
        """Look at one of the spectra; None where it is looked at already."""
        before, history = self.history.chosen, self.history
        if history.current is not None and history.current.spectrum_id == spectrum_id:
            return None
        return self._edit(tr("eis", "Look at another spectrum"), lambda: history.look_at(spectrum_id),
                          lambda: history.look_at(before))  # fmt: skip

    def toggle(self, spectrum_id: str) -> Edit:
        """Show or hide a curve."""
        history = self.history
        shown = history.is_shown(spectrum_id)
        return self._edit(tr("eis", "Show or hide a spectrum"), lambda: history.show_spectrum(spectrum_id, not shown),
                          lambda: history.show_spectrum(spectrum_id, shown))  # fmt: skip

    def show_fit(self, shown: bool) -> Edit | None:
        """Draw the fitted circuit, or the data alone."""
        if shown == self.fit_shown:
            return None
        return self._edit(tr("eis", "Show or hide the fit"), lambda: self._set_fit(shown),
                          lambda: self._set_fit(not shown))  # fmt: skip

    def _set_fit(self, shown: bool) -> None:
        self.fit_shown = shown

    # -- who has it -------------------------------------------------------------------------------------------------

    @property
    def handover(self) -> HandoverStatus | None:
        """Return the handover of the cell that is shown, None where it is at its cycler and waits for nothing."""
        if not self.cell_id:
            return None
        return next((one for one in self.lab.handovers.values() if one.cell_id == self.cell_id), None)

    @property
    def potentiostat(self) -> PotentiostatStatus | None:
        """Return the potentiostat that the cell is at or waits for; of a cell without handover none."""
        found = self.handover
        return self.live.status if found is None else self.lab.potentiostats.get(found.potentiostat)

    def lanes(self) -> tuple[Lane, ...]:
        """Return every potentiostat with its queue."""
        return lanes_of(self.lab)

    def prompts(self) -> tuple[Prompt, ...]:
        """Return what people must do now, oldest first."""
        asked = sorted((one for one in self.lab.handovers.values() if one.asked),
                       key=lambda one: (one.since_utc, one.run_id))  # fmt: skip
        return tuple(made for one in asked if (made := prompt_of(self.lab, one)) is not None)

    def prompt(self) -> tuple[Prompt | None, int, int]:
        """Return the prompt in front, its place from 1, and how many there are."""
        prompts = self.prompts()
        if not prompts:
            return None, 0, 0
        at = next((at for at, one in enumerate(prompts) if one.run_id == self._prompt_run), 0)
        return prompts[at], at + 1, len(prompts)

    def next_prompt(self) -> None:
        """Bring the next of several prompts to the front, and show its cell."""
        prompts, (_, place, count) = self.prompts(), self.prompt()
        if count:
            self._prompt_run = prompts[place % count].run_id
            self.show(self._prompt_run)

    def head(self) -> Head:
        """Return the head of the view."""
        name, cell = self.name_of(self.cell_id), self.lab.cells.get(self.cell_id)
        status = self.handover
        if status is None:
            return Head(name, _facts(cell), "", "", "")
        owner = owner_words(self.lab, status)
        owner = tr("eis", "with {owner}").format(owner=owner) if owner else tr("eis", "leads are moved")
        told = f"{label_of(self.lab, status.channel)} {tr('eis', STAGE_WORDS[status.stage])}"
        return Head(cell_of(status), _facts(cell), owner, told, status.sentence)

    # -- acts -------------------------------------------------------------------------------------------------------

    def confirm_why_not(self) -> str:
        """Return why moved leads cannot be confirmed now; empty = they can."""
        prompt, _, _ = self.prompt()
        if prompt is None:
            return tr("eis", "Nobody is asked to move leads now.")
        return general(self.lab, CONFIRM) or self._pending(CONFIRM, prompt.run_id)

    def accept_why_not(self, reason: str) -> str:
        """Return why an open circuit that does not fit cannot be accepted now; empty = it can."""
        prompt, _, _ = self.prompt()
        if prompt is None or not prompt.differs:
            return tr("eis", "There is no difference to accept.")
        missing = "" if reason.strip() else tr("eis", "Say why it may be so; it goes into the journal.")
        return self.confirm_why_not() or missing

    def skip_why_not(self) -> str:
        """Return why the spectrum cannot be given up now; empty = it can."""
        status = self._target()
        if status is None:
            return tr("eis", "No spectrum of this cell waits or runs.")
        if status.stage in (Stage.TO_CYCLER, Stage.CHECKING_BACK):
            return tr("eis", "The cell is on its way back already.")
        return general(self.lab, SKIP) or self._pending(SKIP, status.run_id)

    def cell_off_why_not(self) -> str:
        """Return why there is no cell to be switched off; empty = there is. Unknown counts as on."""
        potentiostat = self.potentiostat
        if potentiostat is None:
            return tr("eis", "This cell is at no potentiostat.")
        if potentiostat.cell_on is False and not potentiostat.points_expected:
            return tr("eis", "The cell switch of {name} is off, as read back.").format(name=potentiostat.name)
        return general(self.lab, CELL_OFF) or self._pending(CELL_OFF, potentiostat.name)

    def _pending(self, verb: str, subject: str) -> str:
        sent = self._acts.latest(subject, verb)
        return tr("eis", "It was sent; the answer is awaited.") if sent is not None and not sent.over else ""

    def _target(self) -> HandoverStatus | None:
        """Return the handover that acts are about: of the cell shown, else of the prompt in front."""
        if self.handover is not None:
            return self.handover
        prompt, _, _ = self.prompt()
        return None if prompt is None else self.lab.handovers.get(prompt.run_id)

    def confirm(self, reason: str = "") -> str:
        """Say that the leads were moved; a reason accepts an open circuit that does not fit. Returns why not."""
        prompt, _, _ = self.prompt()
        why = self.accept_why_not(reason) if reason else self.confirm_why_not()
        if not why and prompt is not None:
            self._acts.send(CONFIRM, prompt.run_id, prompt.run_id, reason=reason.strip(),
                            text=tr("eis", "Leads are moved"))  # fmt: skip
        return why

    def skip(self, reason: str) -> str:
        """Give the spectrum up, the cell goes back to its cycler. Returns why it cannot be."""
        status, why = self._target(), self.skip_why_not()
        if not why and status is not None:
            self._acts.send(
                SKIP, status.run_id, status.run_id, reason=reason, text=tr("eis", "Skip spectrum")
            )
        return why

    def cell_off(self) -> str:
        """Switch the cell off at its potentiostat, now. Returns why it cannot be."""
        potentiostat, why = self.potentiostat, self.cell_off_why_not()
        if not why and potentiostat is not None:
            self._acts.send(CELL_OFF, potentiostat.name, potentiostat.name, text=tr("eis", "Stop, cell off"))
        return why

    def cell_off_question(self) -> Confirmation | None:
        """Return what is asked before a sweep is ended; nothing where none runs: switching off is always safe."""
        potentiostat = self.potentiostat
        if potentiostat is None or not potentiostat.points_expected:
            return None
        cell, name = self.name_of(self.cell_id), potentiostat.name
        told = tr(
            "eis",
            "{name} switches the cell off now. The {n} points so far are kept; then the cell goes back.",
        )
        return Confirmation(
            tr("eis", "Stop the spectrum of {cell}?").format(cell=cell), (cell,),
            told.format(name=name, n=potentiostat.points_got), tr("eis", "Stop, cell off"), tr("eis", "Let it measure"),
        )  # fmt: skip

    def skip_question(self) -> Confirmation:
        """Return what is asked before a spectrum is given up: why."""
        status = self._target()
        cell = self.name_of(self.cell_id) if status is None else cell_of(status)
        told = tr(
            "eis",
            "The cell is switched off at the potentiostat and goes back; the run goes on without a spectrum.",
        )
        return Confirmation(
            tr("eis", "Skip this spectrum of {cell}?").format(cell=cell), (cell,), told,
            tr("eis", "Skip spectrum"), tr("eis", "Keep it"), reason_needed=True,
        )  # fmt: skip

    def standing(self, verb: str) -> Act | None:
        """Return how the newest use of an act on what is shown stands."""
        status, potentiostat, (prompt, _, _) = self._target(), self.potentiostat, self.prompt()
        subject = {
            CONFIRM: "" if prompt is None else prompt.run_id, SKIP: "" if status is None else status.run_id,
            CELL_OFF: "" if potentiostat is None else potentiostat.name,
        }[verb]  # fmt: skip
        return self._acts.latest(subject, verb) if subject else None

    def put_away(self, verb: str) -> None:
        """Forget what went wrong with an act: a person has seen it."""
        act = self.standing(verb)
        if act is not None:
            self._acts.dismiss(act.id)


def _facts(cell: Cell | None) -> str:
    """Return what is known of a cell in a line: coating, electrolyte, area."""
    if cell is None:
        return ""
    facts = [" | ".join(part for part in (cell.coating, cell.electrolyte) if part)]
    facts += [f"{figures(cell.effective_area_cm2, 4)} cm²" if cell.effective_area_cm2 else ""]
    return " · ".join(part for part in facts if part)
