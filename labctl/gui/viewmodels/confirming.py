"""When a person is asked once more, and what is said then: only what can harm or lose (R2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labctl.gui.viewmodels.allowed import label_of, runs_now
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.words import tr

TYPE_ABOVE = 4
"""Stopping more cells than this needs their number typed."""
NAMES_SHOWN = 12
RELEASE_WORD = "release"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A question before an act. The safe button is the default; there is no "do not ask again".

    ``typed`` is what must be typed before the act's button is on (empty: nothing). ``reason_needed``: the station
    wants a reason and it goes into the journal.
    """

    title: str
    objects: tuple[str, ...]
    effect: str
    act_label: str
    safe_label: str
    typed: str = ""
    typed_prompt: str = ""
    reason_needed: bool = False

    def ready(self, typed: str, reason: str) -> str:
        """Return why the act's button is still off, empty when it may be pressed."""
        if self.typed and typed.strip().lower() != self.typed.lower():
            return self.typed_prompt
        if self.reason_needed and not reason.strip():
            return tr("confirming", "Say why; it goes into the journal.")
        return ""


def confirmation(lab: Lab, verb: str, subjects: Sequence[str]) -> Confirmation | None:
    """Return what must be confirmed before an act, None where nothing must (it can be undone, or harms nothing).

    ``subjects`` are channels for acts on runs and channels, job ids for the queue, names else.
    """
    maker = _MAKERS.get(verb)
    return None if maker is None else maker(lab, list(subjects))


def _names(lab: Lab, channels: Sequence[str]) -> tuple[str, ...]:
    """Name channels with their cells: a person checks the cell, not the number."""
    found = []
    for channel in channels[:NAMES_SHOWN]:
        status = lab.channels.get(channel)
        cell = "" if status is None else status.cell_name or status.cell_id
        found.append(f"{label_of(lab, channel)} {cell}".strip())
    if len(channels) > NAMES_SHOWN:
        found.append(tr("confirming", "and {n} more").format(n=len(channels) - NAMES_SHOWN))
    return tuple(found)


def _stop(lab: Lab, channels: list[str]) -> Confirmation | None:
    running = [name for name in channels if (found := lab.channels.get(name)) is not None and runs_now(found)]
    if not running:
        return None
    count = len(running)
    many = count > TYPE_ABOVE
    title = tr("confirming", "Stop {name}?").format(name=_names(lab, running)[0])
    if count > 1:
        title = tr("confirming", "Stop {n} running cells?").format(n=count)
    return Confirmation(
        title,
        _names(lab, running),
        tr("confirming", "The output goes off now. A stopped run cannot be resumed; its rows are kept."),
        tr("confirming", "Stop") if count == 1 else tr("confirming", "Stop {n}").format(n=count),
        tr("confirming", "Let run"),
        str(count) if many else "",
        tr("confirming", "Type {n} to stop {n} cells.").format(n=count) if many else "",
    )


def _skip(lab: Lab, channels: list[str]) -> Confirmation:
    return Confirmation(
        tr("confirming", "Jump to the next step?"),
        _names(lab, channels),
        tr("confirming", "The present step ends here and is not made up for; the next one begins at once."),
        tr("confirming", "Jump"),
        tr("confirming", "Stay in the step"),
    )


def _reset(lab: Lab, channels: list[str]) -> Confirmation:
    channel = channels[0] if channels else ""
    status = lab.channels.get(channel)
    tripped = "" if status is None else status.tripped
    effect = tr("confirming", "The channel may be energised again.")
    return Confirmation(
        tr("confirming", "Reset the trip of {name}?").format(name=label_of(lab, channel))
        if tripped
        else tr("confirming", "Let the queue of {name} go on?").format(name=label_of(lab, channel)),
        _names(lab, channels),
        f"{tripped}. {effect}" if tripped else effect,
        tr("confirming", "Reset"),
        tr("confirming", "Leave it off"),
        channel if tripped else "",
        tr("confirming", "Type {name} to reset it.").format(name=channel) if tripped else "",
        reason_needed=True,
    )


def _release(lab: Lab, names: list[str]) -> Confirmation:
    return Confirmation(
        tr("confirming", "Release Stop all?"),
        (
            tr("confirming", "by {name}: {reason}").format(
                name=lab.stop_all.by or "?", reason=lab.stop_all.reason
            ),
        ),
        tr("confirming", "Outputs may be switched on again. Nothing restarts by itself."),
        tr("confirming", "Release"),
        tr("confirming", "Keep all off"),
        RELEASE_WORD,
        tr("confirming", "Type the word release."),
        reason_needed=True,
    )


def _remove(lab: Lab, jobs: list[str]) -> Confirmation:
    names = tuple(
        f"{job_id} {found.spec.cell_id} {found.protocol_name}" if (found := lab.jobs.get(job_id)) else job_id
        for job_id in jobs[:NAMES_SHOWN]
    )
    many = len(jobs) > TYPE_ABOVE
    return Confirmation(
        tr("confirming", "Remove {n} from the queue?").format(n=len(jobs)) if len(jobs) > 1
        else tr("confirming", "Remove {name} from the queue?").format(name=names[0] if names else "?"),
        names,
        tr("confirming", "It will not start. To have it again it must be queued anew."),
        tr("confirming", "Remove"),
        tr("confirming", "Keep it"),
        str(len(jobs)) if many else "",
        tr("confirming", "Type {n} to remove {n} items.").format(n=len(jobs)) if many else "",
    )  # fmt: skip


def _disable(lab: Lab, keys: list[str]) -> Confirmation:
    return Confirmation(
        tr("confirming", "Take this alarm out of service?"),
        tuple(keys[:NAMES_SHOWN]),
        tr("confirming", "Nobody is told of it until a person puts it back into service."),
        tr("confirming", "Take out"),
        tr("confirming", "Keep it"),
        reason_needed=True,
    )


def _revoke(lab: Lab, names: list[str]) -> Confirmation:
    return Confirmation(
        tr("confirming", "Take away the access of {name}?").format(name=", ".join(names)),
        tuple(names),
        tr("confirming", "The token ends at once; a new one must be given to come back."),
        tr("confirming", "Take away"),
        tr("confirming", "Keep it"),
    )


_MAKERS = {
    "runs.stop": _stop,
    "runs.skip": _skip,
    "channels.reset": _reset,
    "station.release_stop_all": _release,
    "queue.remove": _remove,
    "alarms.disable": _disable,
    "people.revoke": _revoke,
}
