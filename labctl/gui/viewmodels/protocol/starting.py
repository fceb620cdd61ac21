"""Which channels a start with the open protocol is for, and why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.protocol.editor import Editor
from labctl.gui.viewmodels.words import tr


def why_not_start(lab: Lab, editor: Editor, channels: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return why no start can be reviewed (empty: it can), and what the review is to begin with."""
    if not editor.is_open:
        return tr("protocolstarting", "No protocol is open."), {}
    if not editor.origin.name:
        return tr("protocolstarting", "Save it first: a start takes a protocol of the station."), {}
    if editor.changed:
        return tr("protocolstarting", "Save the draft first: a start takes a saved revision."), {}
    chosen = [channel for channel in channels if channel in lab.channels]
    if not chosen and editor.cell is not None:
        chosen = [name for name, status in lab.channels.items() if status.cell_id == editor.cell.cell_id]
    if not chosen:
        return tr("protocolstarting", "Select channels in the station view first."), {}
    return "", {"channels": chosen, "protocol": editor.origin.name}
