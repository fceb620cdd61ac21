"""What is to be started, from what another view points at: channels, cells, wishes, or a protocol with some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.starts import Wish


def wishes_of(lab: Lab, target: Any) -> tuple[Wish, ...]:
    """Return the wishes: see ``labctl/gui/views/start`` for what may be given. What has no cell is left out."""
    if isinstance(target, str):
        target = [target]
    if isinstance(target, Mapping):
        protocol = str(target.get("protocol") or "")
        cells = _of_cells(lab, target.get("cells") or (), protocol)
        return _once((*_of_channels(lab, target.get("channels") or (), protocol), *cells))
    if not isinstance(target, Iterable):
        return ()
    items = list(target)
    ready = tuple(item for item in items if isinstance(item, Wish))
    return _once((*ready, *_of_channels(lab, [item for item in items if isinstance(item, str)], "")))


def _once(wishes: Iterable[Wish]) -> tuple[Wish, ...]:
    """Return each cell once: the first wish for it."""
    return tuple({wish.cell_id: wish for wish in reversed(tuple(wishes))}.values())[::-1]


def _of_channels(lab: Lab, channels: Iterable[str], protocol: str) -> tuple[Wish, ...]:
    order = {name: at for at, name in enumerate(cabinet(lab.channels).order)}
    found = []
    for name in sorted(dict.fromkeys(channels), key=lambda name: order.get(name, 0)):
        status = lab.channels.get(name)
        if status is not None and status.cell_id:
            found.append(Wish(name, status.cell_id, protocol or last_protocol(lab, name)))
    return tuple(found)


def _of_cells(lab: Lab, cells: Iterable[str], protocol: str) -> tuple[Wish, ...]:
    where = {status.cell_id: name for name, status in lab.channels.items() if status.cell_id}
    return tuple(Wish(where.get(cell, ""), cell, protocol) for cell in dict.fromkeys(cells))


def last_protocol(lab: Lab, channel: str) -> str:
    """Return the protocol that ran last on a channel, as far as this window has seen; empty where nothing is known."""
    status = lab.channels.get(channel)
    return "" if status is None else status.protocol
