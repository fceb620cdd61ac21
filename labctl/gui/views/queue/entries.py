"""What can be done in the queue, in words: for the palette and for the menu under the right button."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.view import Command
from labctl.gui.viewmodels.allowed import general, label_of

if TYPE_CHECKING:
    from labctl.gui.views.queue.view import QueueView


def entries(view: QueueView) -> list[Command]:
    """Return the acts with their keys and with the reason why one is off."""
    queue, ids, lab = view.queue, view.chosen(), view.context.lab
    group = view.spec.name

    def why(verb: str) -> str:
        return queue.why_not(verb, ids)

    repeat = general(lab, "queue.clone") if ids else why("queue.clone")
    found = [
        Command(tr("queue", "Insert..."), view.insert, "Ins", group, general(lab, "queue.submit")),
        Command(tr("queue", "Change..."), view.edit, "F2", group, why("queue.edit")),
        Command(tr("queue", "Hold"), view.hold_or_release, "Ctrl+H", group, why("queue.hold")),
        Command(tr("queue", "Release"), view.hold_or_release, "Ctrl+H", group, why("queue.release")),
        Command(tr("queue", "Retry"), view.retry, "", group, why("queue.retry")),
        Command(tr("queue", "Repeat"), view.repeat, "Ctrl+D", group, repeat),
        Command(tr("queue", "Remove"), view.remove, "Del", group, why("queue.remove")),
    ]
    return [*found, *_parts(view, group)]


def _parts(view: QueueView, group: str) -> list[Command]:
    """Return hold and release of the chosen channels, of their instruments, and of all."""
    acts = view.queue.acts
    rows = [view.queue.row_of(job_id) for job_id in view.chosen()]
    channels = [row.channel for row in rows if row is not None and row.channel]
    channels = list(dict.fromkeys([*channels, *view.selection.channels]))
    instruments = dict.fromkeys(name.partition(":")[0] for name in channels)
    found = []
    for target in (*channels[:3], *instruments, ""):
        name = label_of(view.context.lab, target) or tr("queue", "the queue")
        hold, release = tr("queue", "Hold {name}"), tr("queue", "Release {name}")
        for text, call, why in (
            (hold, acts.hold_part, acts.part_why_not(target, hold=True)),
            (release, acts.release_part, acts.part_why_not(target, hold=False)),
        ):
            found.append(Command(text.format(name=name), partial(call, target), "", group, why))
    return found
