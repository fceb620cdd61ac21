"""Tells every window of a changed cell, electrode or batch, so that a registry shown twice stays true (R15).

Only what has changed in this life of the station is on the feed: a client reads the lists once, then follows. Each
value is the whole entry as the lists have it, with the revision, its author and moment beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labctl.model.cell import Batch, Cell, Electrode, EntryKind, Revision
from labctl.model.plain import to_plain
from labctl.station.electrodes import E, Shelf
from labctl.station.feed import Feed

REVISION = "revision"
BY = "revised_by"
UTC = "revised_utc"


def show(
    feed: Feed,
    shelf: Shelf[E],
    revisions: Sequence[Revision],
    cells: Shelf[Cell],
    completed: Callable[[Cell], Cell],
) -> None:
    """Publish entries that have new revisions, and the cells that are completed from them."""
    for entry_id in dict.fromkeys(str(revision.values[f"{shelf.kind.value}_id"]) for revision in revisions):
        entry = shelf.get(entry_id)
        _publish(feed, shelf, entry_id, completed(entry) if isinstance(entry, Cell) else entry)
        if shelf.kind is EntryKind.CELL:
            continue
        for cell in cells.all():
            if made_of(cell, shelf.kind, entry_id):
                _publish(feed, cells, cell.cell_id, completed(cell))


def _publish(feed: Feed, shelf: Shelf[E], entry_id: str, entry: Cell | Electrode | Batch) -> None:
    """Publish an entry as topic ``cell``, ``electrode`` or ``batch``."""
    newest = shelf.revisions(entry_id)[-1]
    about = {REVISION: newest.revision, BY: newest.by, UTC: newest.utc}
    feed.publish(shelf.kind.value, entry_id, {**to_plain(entry), **about})


def made_of(cell: Cell, kind: EntryKind, entry_id: str) -> bool:
    """Tell whether a cell is completed from an electrode or a batch, so that a correction of that one changes it."""
    if kind is EntryKind.ELECTRODE:
        return entry_id in (cell.electrode, cell.counter_electrode)
    return kind is EntryKind.BATCH and cell.batch == entry_id
