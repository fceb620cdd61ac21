"""New items for the queue, and other wishes for those that wait: a protocol of the library, its variables, when (U14).

Every wish is shown by the station before it is queued: what would start where and when, with each problem in words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from labctl.gui.viewmodels.acts import Acts, Asks, Trouble
from labctl.gui.viewmodels.allowed import general, label_of
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.places import natural
from labctl.gui.viewmodels.text import moment
from labctl.gui.viewmodels.words import tr
from labctl.model.ids import CellId
from labctl.model.job import JobSpec

CHECK_DEADLINE_S = 30.0
PRIORITY_MAX = 100


@dataclass(frozen=True, slots=True)
class Target:
    """A cell that may be chosen. ``place`` is its channel as people say it, ``note`` what stands there now."""

    cell_id: str
    name: str
    place: str
    note: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What the station says of one cell before anything is queued."""

    cell: str
    place: str
    starts: str
    ends: str
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A protocol of the library; ``problem`` says why it cannot be taken."""

    name: str
    title: str
    problem: str = ""


def when_of(text: str) -> tuple[str, str]:
    """Return a typed moment as ISO text and what is wrong with it; local time where no zone is given."""
    typed = text.strip().replace("\uff1a", ":")
    if not typed:
        return "", ""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return "", tr("queue", "Write the moment as 2026-04-21 14:00.")
    return found.astimezone(UTC).isoformat(timespec="seconds"), ""


class ProtocolShelf:
    """The station's protocols with their variables; asked once each."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self.choices: tuple[Choice, ...] = ()
        self.trouble: Trouble | None = None
        self._variables: dict[str, dict[str, str]] = {}
        self._wanted: set[str] = set()

    def want(self, told: Callable[[], None]) -> None:
        """Ask for the list."""

        def take(infos: Sequence[Any]) -> None:
            found = [Choice(info.name, info.title, info.problem) for info in infos]
            self.choices = tuple(sorted(found, key=lambda choice: natural(choice.name)))
            self.trouble = None
            told()

        def failed(trouble: Trouble) -> None:
            self.trouble = trouble
            told()

        self._asks.ask("protocols.list", then=take, failed=failed)

    def variables(self, name: str, told: Callable[[], None]) -> Mapping[str, str] | None:
        """Return a protocol's variables with their defaults; None while they are asked for."""
        if not name:
            return {}
        if name not in self._variables and name not in self._wanted:
            self._wanted.add(name)
            self._ask(name, told)
        return self._variables.get(name)

    def _ask(self, name: str, told: Callable[[], None]) -> None:
        def take(text: Any) -> None:
            self._variables[name] = {str(key): str(value) for key, value in text.variables.items()}
            told()

        def failed(trouble: Trouble) -> None:
            self._wanted.discard(name)
            self.trouble = trouble
            told()

        self._asks.ask("protocols.get", name, then=take, failed=failed)


class InsertJobs:
    """A wish for several cells: chosen, shown by the station, then queued. ``watch`` tells of answers."""

    def __init__(
        self, lab: Lab, acts: Acts, asks: Asks, library: ProtocolShelf, cells: Collection[str] = ()
    ) -> None:
        """``cells`` are chosen at first: those of the selected channels."""
        self._lab = lab
        self._acts = acts
        self._asks = asks
        self.library = library
        self._chosen = dict.fromkeys(cells)
        self._watchers: list[Callable[[], None]] = []
        self._number = self._asked = 0
        self.protocol = ""
        self.variables: dict[str, str] = {}
        self.priority = 0
        self.not_before_utc = ""
        self.hold = False
        self.label = ""
        self.before = ""
        self.previews: tuple[Preview, ...] = ()
        self.checked = self.sending = False
        self.problem = ""
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` when an answer has come."""
        self._watchers.append(observer)

    def tell(self) -> None:
        """Tell the watchers."""
        for observer in tuple(self._watchers):
            observer()

    def targets(self) -> tuple[Target, ...]:
        """Return the cells that may be chosen: those in channels, in their order, then chosen ones elsewhere."""
        found: list[Target] = []
        for name, status in sorted(self._lab.channels.items(), key=lambda pair: natural(pair[0])):
            if status.cell_id:
                note = status.protocol if status.run_id else tr("queue", "free")
                found.append(
                    Target(status.cell_id, status.cell_name or status.cell_id, label_of(self._lab, name), note,
                           status.cell_id in self._chosen)
                )  # fmt: skip
        there = {target.cell_id for target in found}
        for cell_id in self._chosen:
            if cell_id not in there:
                cell = self._lab.cells.get(cell_id)
                found.append(Target(cell_id, cell_id if cell is None else cell.name, "", "", True))
        return tuple(found)

    def choose(self, cell_id: str, on: bool) -> None:
        """Take a cell in, or out."""
        self._chosen.pop(cell_id, None)
        if on:
            self._chosen[cell_id] = None
        self.changed()

    def set_protocol(self, name: str) -> None:
        """Take a protocol with its own defaults."""
        self.protocol, self.variables = name, {}
        self.changed()

    def set_variable(self, name: str, text: str) -> None:
        """Give a variable a value; its default leaves it to the protocol."""
        defaults = self.library.variables(self.protocol, self.tell) or {}
        if not text.strip() or text.strip() == defaults.get(name):
            self.variables.pop(name, None)
        else:
            self.variables[name] = text.strip()
        self.changed()

    def set_when(self, text: str) -> str:
        """Take a typed moment before which nothing starts; returns what is wrong with it."""
        self.not_before_utc, self.problem = when_of(text)
        self.changed()
        return self.problem

    def changed(self) -> None:
        """Forget what the station said: it was said of something else."""
        self._number += 1
        self.previews, self.checked, self.trouble = (), False, None

    def check_why_not(self) -> str:
        """Return why the station cannot be asked yet; empty where it can."""
        refusal = general(self._lab, "queue.submit")
        if refusal:
            return refusal
        if not self.protocol:
            return tr("queue", "Choose a protocol.")
        if not self._chosen:
            return tr("queue", "Choose at least one cell.")
        return self.problem

    def submit_why_not(self) -> str:
        """Return why nothing can be queued yet; empty where it can."""
        why = tr("acts", "sending") if self.sending else self.check_why_not()
        if why:
            return why
        if self.trouble is not None:
            return str(self.trouble)
        if not self.checked:
            return tr("queue", "The station is checking.")
        wrong = next((preview for preview in self.previews if preview.errors), None)
        return "" if wrong is None else f"{wrong.cell}: {wrong.errors[0]}"

    def specs(self) -> tuple[JobSpec, ...]:
        """Return the wishes."""
        one = JobSpec(CellId(""), protocol=self.protocol, variables=dict(self.variables), priority=self.priority,
                      not_before_utc=self.not_before_utc, hold=self.hold, label=self.label.strip())  # fmt: skip
        return tuple(replace(one, cell_id=CellId(cell_id)) for cell_id in self._chosen)

    def check(self) -> None:
        """Let the station say what would start where and when; nothing is queued."""
        if self.check_why_not():
            return
        self._number += 1
        number = self._asked = self._number

        def take(answer: Any) -> None:
            if number == self._number:
                self.previews, self.checked, self.trouble = tuple(map(self._preview, answer.jobs)), True, None
                self._asked = 0
                self.tell()

        def failed(trouble: Trouble) -> None:
            if number == self._number:
                self.trouble, self._asked = trouble, 0
                self.tell()

        self._asks.ask("queue.submit", self.specs(), dry_run=True, then=take, failed=failed,
                       deadline_s=CHECK_DEADLINE_S)  # fmt: skip

    def look_again(self) -> None:
        """Ask again where something stands against the wish: a link comes back, a station has time, a cell is read."""
        wrong = not self.checked or any(preview.errors for preview in self.previews)
        if wrong and not self.sending and self._asked != self._number:
            self.check()

    def _preview(self, planned: Any) -> Preview:
        now = self._lab.plant_utc
        cell = self._lab.cells.get(planned.cell_id)
        starts = None if planned.starts is None else utc_of(planned.starts.end_utc)
        ends = None if planned.ends is None else utc_of(planned.ends.end_utc)
        return Preview(
            str(planned.cell_id) if cell is None else cell.name,
            label_of(self._lab, str(planned.channel)) if planned.channel else "",
            moment(starts, now), moment(ends, now),
            planned.errors, planned.warnings,
        )  # fmt: skip

    def submit(self, done: Callable[[str], None]) -> None:
        """Queue the wishes; ``done`` is told what was queued. New items go before ``before`` where that is chosen."""
        if self.submit_why_not():
            return
        before = self.before
        self.sending = True  # a second press would queue everything twice
        self.tell()

        def take(answer: Any) -> None:
            self.sending = False
            ids = [str(planned.job_id) for planned in answer.jobs if planned.job_id]
            label = tr("queue", "Move")
            for job_id in ids if before else ():
                self._acts.send("queue.move", job_id, job_id, before=before, text=f"{label} {job_id}")
            done(tr("queue", "{n} items queued: {ids}").format(n=len(ids), ids=", ".join(ids[:6])))

        def failed(trouble: Trouble) -> None:
            self.sending, self.trouble = False, trouble
            self.tell()

        text = tr("queue", "Queue {protocol} for {n} cells").format(
            protocol=self.protocol, n=len(self._chosen)
        )
        self._acts.send("queue.submit", "queue", self.specs(), text=text, then=take, failed=failed)


class EditJobs:
    """Other wishes for jobs that wait. Only what a person has touched is changed."""

    def __init__(self, lab: Lab, library: ProtocolShelf, job_ids: Sequence[str]) -> None:
        self._lab = lab
        self.library = library
        self.job_ids = tuple(job_id for job_id in job_ids if job_id in lab.jobs)
        self.changes: dict[str, Any] = {}
        self.problem = ""

    def _same(self, name: str) -> Any:
        """Return a field of all the jobs; None where they differ."""
        values = [getattr(self._lab.jobs[job_id].spec, name) for job_id in self.job_ids]
        return values[0] if values and all(value == values[0] for value in values) else None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the jobs as people say them."""
        jobs = [self._lab.jobs[job_id] for job_id in self.job_ids]
        return tuple(f"{job.job_id} {job.spec.label or job.protocol_name}" for job in jobs)

    @property
    def protocol(self) -> str:
        """Return the protocol that they will have; empty where they differ or its text came from a file."""
        return str(self.changes.get("protocol", self._same("protocol") or ""))

    @property
    def protocol_name(self) -> str:
        """Return what their protocol is called now; empty where they differ."""
        names = {self._lab.jobs[job_id].protocol_name for job_id in self.job_ids}
        return names.pop() if len(names) == 1 else ""

    def variables(self, told: Callable[[], None]) -> dict[str, tuple[str, str]] | None:
        """Return value and default of each variable; None while the protocol's are asked for."""
        defaults = self.library.variables(self.protocol, told)
        if defaults is None:
            return None
        before: Mapping[str, str] = {} if "protocol" in self.changes else self._same("variables") or {}
        chosen = self.changes.get("variables", before)
        names = dict.fromkeys([*defaults, *chosen])
        return {
            name: (str(chosen.get(name, defaults.get(name, ""))), str(defaults.get(name, "")))
            for name in names
        }

    @property
    def priority(self) -> int:
        """Return the priority that they will have; 0 where they differ."""
        return int(self.changes.get("priority", self._same("priority") or 0))

    @property
    def when(self) -> str:
        """Return the moment before which they do not start, in local time."""
        found = utc_of(str(self.changes.get("not_before_utc", self._same("not_before_utc") or "")))
        return "" if found is None else f"{found.astimezone():%Y-%m-%d %H:%M}"

    def text(self, name: str) -> str:
        """Return label or notes."""
        return str(self.changes.get(name, self._same(name) or ""))

    def set_protocol(self, name: str) -> None:
        """Take another protocol; its variables have its own defaults."""
        self.changes.pop("variables", None)
        self._set("protocol", name, self._same("protocol"))

    def set_variable(self, name: str, text: str) -> None:
        """Give a variable a value; its default leaves it to the protocol."""
        before: Mapping[str, str] = {} if "protocol" in self.changes else self._same("variables") or {}
        defaults = self.library.variables(self.protocol, lambda: None) or {}
        chosen = dict(self.changes.get("variables", before))
        if not text.strip() or text.strip() == defaults.get(name):
            chosen.pop(name, None)
        else:
            chosen[name] = text.strip()
        self._set("variables", chosen, dict(before))

    def set_priority(self, value: int) -> None:
        """Take another priority."""
        self._set("priority", int(value), self._same("priority"))

    def set_when(self, text: str) -> str:
        """Take a typed moment; returns what is wrong with it."""
        utc, self.problem = when_of(text)
        if not self.problem and text.strip() != self.when:
            self._set("not_before_utc", utc, self._same("not_before_utc"))
        return self.problem

    def set_text(self, name: str, text: str) -> None:
        """Take another label or note."""
        self._set(name, text.strip(), self._same(name))

    def _set(self, name: str, value: Any, before: Any) -> None:
        self.changes.pop(name, None)
        if value != before:
            self.changes[name] = value

    def why_not(self) -> str:
        """Return why nothing can be changed yet; empty where it can."""
        if self.problem:
            return self.problem
        return "" if self.changes else tr("queue", "Nothing is changed.")
