"""After a restart or a power cut: what was, what the device says, what is proposed; nothing energises by itself (U11).

A proposal never starts anything: following a run again reads the instrument and fetches what it kept. What must be
energised again is a new job, which a person queues.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels.acts import Acts, Trouble, TroubleKind
from labctl.gui.viewmodels.allowed import general
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.text import moment, number
from labctl.gui.viewmodels.words import channel_word, mark, tr
from labctl.model.bench import ChannelStatus, LinkState
from labctl.model.run import RunSummary

ENDED, HELD = "ended", "held"
FOLLOWED = frozenset(
    {
        "prepared",
        "waiting",
        "starting",
        "running",
        "paused",
        "deciding",
        "stopping",
        "draining",
        "at potentiostat",
    }
)


class Proposal(StrEnum):
    """What is proposed for a run."""

    NOTHING = "nothing"  # it is followed
    WAIT = "wait"  # its instrument does not answer
    FOLLOW = "follow"  # the device still works on it: read what it kept
    FETCH = "fetch"  # the device is over: fetch the last rows and close the run
    LOOK = "look"  # something does not agree: a person must look first
    RESET = "reset"  # the power cut ended it: its channel is latched until a person has looked


CALM = (Proposal.NOTHING, Proposal.WAIT)
"""Nobody has to do anything."""
PROPOSAL_WORDS: dict[Proposal, str] = {
    Proposal.NOTHING: mark("recovery", "nothing: it is followed"),
    Proposal.WAIT: mark("recovery", "wait for the instrument"),
    Proposal.FOLLOW: mark("recovery", "follow it again, fetch what was missed"),
    Proposal.FETCH: mark("recovery", "fetch the last rows and close it"),
    Proposal.LOOK: mark("recovery", "look at the cell, then decide"),
    Proposal.RESET: mark("recovery", "look at the cell, reset the channel, queue what is left"),
}


GROUPS = ("person", "look", "wait", "all")
"""How the page groups runs: to decide, only to look at, waiting for an instrument, all."""


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """One run that had not ended, or that was ended by the cut. ``why_not`` says why it cannot be accepted."""

    run_id: str
    channel: str
    label: str
    cell: str
    was: str
    device: str
    proposal: Proposal
    proposed: str
    why_not: str
    result: str
    asked: bool


def in_group(row: RecoveryRow, group: str) -> bool:
    """Tell whether a run belongs to a group of the page."""
    wanted = {
        "person": (Proposal.FOLLOW, Proposal.FETCH, Proposal.LOOK, Proposal.RESET),
        "look": (Proposal.LOOK, Proposal.RESET), "wait": (Proposal.WAIT,),
    }  # fmt: skip
    return row.proposal in wanted.get(group, tuple(Proposal))


class Recovery:
    """The page; ``needed`` tells whether the window should offer it. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab = lab
        self._acts = acts
        self._runs: tuple[RunSummary, ...] = ()
        self._results: dict[str, str] = {}
        self._asking = self._again = False
        self._life = ""
        """The life of the station that has been asked; empty before one was ready."""
        self._latching: set[str] = set()
        """Listed runs by which their channel is latched."""
        self._asked: set[str] = set()
        self._taken: set[str] = set()
        """Runs that the station has taken up again; whether it still follows them says the feed."""
        self._watchers: list[Callable[[], None]] = []
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"channel", "run", "instrument", "link", "station"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def _changed(self, places: frozenset[Place]) -> None:
        listed = {run.run_id for run in self._runs if run.state != ENDED}
        ended = any(topic == "run" and key in listed and key not in self._lab.runs for topic, key in places)
        info, before, known = self._lab.station, self._life, self._latching
        if info is not None and info.ready and self._lab.link.live:
            self._life = info.epoch
        self._latching = {run.run_id for run in self._runs if run.state != ENDED and self._latches(run)}
        silent = self.trouble is not None and self.trouble.kind in (TroubleKind.LINK, TroubleKind.DEADLINE)
        # One of them has ended, perhaps unseen and told by its channel alone, or the station has begun anew, or it has
        # not answered the last time and is heard again.
        if (
            ended
            or self._latching - known
            or (before and self._life != before)
            or (silent and self._lab.link.live and not self._asking)
        ):
            self.refresh()
        self._tell()

    def refresh(self) -> None:
        """Ask for the runs that have not ended, and those that ended without anybody here wanting it."""
        if self._asking:
            self._again = True
            return
        self._asking, self._again = True, False
        self._acts.ask("runs.list", then=self._take, failed=self._failed)

    def _answered(self) -> None:
        self._asking = False
        if self._again:  # runs end by the hundred after a power cut: once more behind them is enough
            self.refresh()

    def _take(self, runs: Sequence[RunSummary]) -> None:
        self._answered()
        self._runs = tuple(run for run in runs if run.state != ENDED or run.outcome == HELD)
        self.trouble = None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self._asking = self._again = False
        self.trouble = trouble
        self._tell()

    @property
    def needed(self) -> bool:
        """Tell whether some run needs a person."""
        channels = self._lab.channels
        return any(
            self._concerns(run) and self._proposal(run, channels.get(run.channel)) not in CALM
            for run in self._runs
        )

    def rows(self) -> tuple[RecoveryRow, ...]:
        """Return the runs: what needs a person first, then in the order of the cabinet."""
        labels = cabinet(dict.fromkeys([*self._lab.channels, *(run.channel for run in self._runs)]))
        order = {channel: index for index, channel in enumerate(labels.order)}
        rows = [self._row(run, labels.label(run.channel)) for run in self._runs if self._concerns(run)]
        return tuple(sorted(rows, key=lambda row: (row.proposal in CALM, order.get(row.channel, 0))))

    def _concerns(self, run: RunSummary) -> bool:
        """Tell whether a run is of this page: one that ended, only while its channel is latched by it."""
        return run.state != ENDED or self._latches(run)

    def _latches(self, run: RunSummary) -> bool:
        status = self._lab.channels.get(run.channel)
        return status is not None and status.tripped.startswith(f"run {run.run_id}:")

    def _row(self, run: RunSummary, label: str) -> RecoveryRow:
        status = self._lab.channels.get(run.channel)
        proposal = self._proposal(run, status)
        live = self._lab.runs.get(run.run_id)
        phase = live.phase if live is not None and live.phase else run.phase
        was = [
            channel_word(phase or run.state).told,
            tr("recovery", "cycle {n}").format(n=run.cycle) if run.cycle else "",
        ]
        since = utc_of(run.started_utc)
        was.append(
            tr("recovery", "since {when}").format(when=moment(since, self._lab.plant_utc)) if since else ""
        )
        told = self._results.get(run.run_id, "")
        if not told and proposal in (Proposal.LOOK, Proposal.RESET):
            told = run.reason or (status.tripped if status is not None else "")
        elif not told and run.run_id in self._taken:
            told = tr("recovery", "followed again")
        return RecoveryRow(
            str(run.run_id), run.channel, label, run.cell_name or run.cell_id,
            ", ".join(part for part in was if part), self._device(run, status), proposal,
            tr("recovery", PROPOSAL_WORDS[proposal]), self._why_not(run, proposal), told, run.run_id in self._asked,
        )  # fmt: skip

    def _device(self, run: RunSummary, status: ChannelStatus | None) -> str:
        box = self._lab.instruments.get(run.channel.partition(":")[0])
        if box is not None and box.link is not LinkState.LIVE:
            return tr("recovery", "{name} does not answer").format(name=box.name)
        if status is None:
            return tr("recovery", "unknown")
        volts = number(status.voltage_V, 3)
        return f"{channel_word(status.state).told} · {volts} V"

    def _proposal(self, run: RunSummary, status: ChannelStatus | None) -> Proposal:
        box = self._lab.instruments.get(run.channel.partition(":")[0])
        if run.state == ENDED:
            return Proposal.RESET
        if box is not None and box.link is not LinkState.LIVE:
            return Proposal.WAIT
        live = self._lab.runs.get(run.run_id)
        phase = live.phase if live is not None else run.phase
        if phase in FOLLOWED:
            return Proposal.NOTHING
        if phase == "held" or status is None or status.tripped or status.state in ("unknown", "held"):
            return Proposal.LOOK
        if status.state in ("finished", "stopped", "protected", "idle"):
            return Proposal.FETCH
        if phase == "stale" or status.state in ("running", "paused"):
            return Proposal.FOLLOW
        return Proposal.LOOK

    def _why_not(self, run: RunSummary, proposal: Proposal) -> str:
        if proposal is Proposal.NOTHING:
            return tr("recovery", "It is followed already.")
        if proposal is Proposal.WAIT:
            return tr("recovery", "Its instrument does not answer yet.")
        if proposal is Proposal.RESET:
            return tr("recovery", "It has ended. Look at the channel; it is reset there.")
        return general(self._lab, "runs.take_up")

    def acceptable(self) -> tuple[str, ...]:
        """Return the runs that *Accept all* would take up: where device and run agree; never those to be looked at."""
        chosen = (Proposal.FOLLOW, Proposal.FETCH)
        return tuple(
            row.run_id for row in self.rows() if row.proposal in chosen and not row.why_not and not row.asked
        )

    def accept(self, run_ids: Collection[str], reason: str = "") -> None:
        """Take runs up again: reads and fetches, starts nothing."""
        rows = {row.run_id: row for row in self.rows()}
        for run_id in run_ids:
            row = rows.get(run_id)
            if row is None or row.why_not or row.asked:
                continue
            self._asked.add(run_id)
            why = reason or tr("recovery", "accepted on the recovery page")

            def good(answer: Sequence[str], name: str = run_id) -> None:
                self._asked.discard(name)
                self._results[name] = " ".join(answer)
                self._taken.add(name)
                self._tell()

            def bad(trouble: Trouble, name: str = run_id) -> None:
                self._asked.discard(name)
                self._results[name] = str(trouble)
                self._tell()

            self._acts.send("runs.take_up", row.channel, run_id, reason=why, then=good, failed=bad)
        self._tell()

    def summary(self) -> str:
        """Return the page's first line."""
        rows = self.rows()
        waits = sum(row.proposal is Proposal.WAIT for row in rows)
        look = sum(row.proposal in (Proposal.LOOK, Proposal.RESET) for row in rows)
        told = tr("recovery", "{n} runs had not ended: {ready} to accept, {look} to look at, {waits} wait. "
                              "Nothing is energised by accepting.")  # fmt: skip
        return told.format(n=len(rows), ready=len(self.acceptable()), look=look, waits=waits)
