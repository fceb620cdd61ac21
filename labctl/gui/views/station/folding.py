"""The action bar where room is short: some acts go behind *More*, nothing is cut."""

from __future__ import annotations

from collections.abc import Sequence

from labctl.gui.parts.actionbar import ActionBar
from labctl.gui.parts.buttons import Button, Tight
from labctl.gui.theme.current import theme


def fold(bar: ActionBar, fixed: Sequence[Button], others: Sequence[Button], more: Button, width: int) -> None:
    """Show as many of ``others`` as fit into ``width`` device pixels beside ``fixed``; the rest is behind ``more``."""
    gap = theme().px(8)
    room = width - theme().px(32) - bar.note_width()
    used = bar.words_width() + sum(button.width_as(Tight.FULL) + gap for button in fixed)
    widths = [button.width_as(Tight.FULL) + gap for button in others]
    fits = used + sum(widths) <= room
    used += 0 if fits else more.width_as(Tight.FULL) + gap
    for button, wide in zip(others, widths, strict=True):
        used += wide
        button.setVisible(fits or used <= room)
    more.setVisible(not fits)
