"""The head of the channel view and its strip of read-outs."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.layouts import Row
from labctl.gui.parts.readout import Readout, ReadoutStrip
from labctl.gui.viewmodels.channel import ChannelModel

READOUTS = ("voltage", "current", "charge", "cycle", "efficiency", "temperature", "step_time", "finish")


class HeadChips:
    """What stands beside the title: arrows, protocol at the left; step, cycle, device at the right."""

    def __init__(self, arrows: Row, left: Row, right: Row) -> None:
        self.before, self.after = (
            Button(icon=icon, rank=Rank.QUIET) for icon in ("chevron-left", "chevron-right")
        )
        self.protocol = Chip(icon="repeat", pressable=True)
        self.step, self.cycle, self.device = Chip(glyph="rest"), Chip(), Chip()
        arrows.put(self.before, self.after)
        left.put(self.protocol)
        right.put(self.step, self.cycle, self.device)

    def refresh(self, model: ChannelModel) -> tuple[str, str]:
        """Show the head; returns title and what stands beside it."""
        head = model.head()
        self.protocol.show_words(head.protocol, head.revision)
        self.protocol.setVisible(bool(head.protocol))
        name, _, rest = head.step.partition(" ")
        self.step.show_words(name, rest, glyph=head.glyph, token=head.token)
        word, _, count = head.cycle.partition(" ")
        self.cycle.show_words("", f"{word} {count}" if head.cycle else "")
        self.cycle.setVisible(bool(head.cycle))
        self.device.show_words("", head.device)
        for chip in (self.step, self.device):
            chip.setVisible(bool(head.step or head.device))
        return f"{head.label}  {head.cell}".strip(), head.facts

    def retranslate(self) -> None:
        """Name what has no words."""
        self.before.name_it(tr("channel", "Channel before"))
        self.after.name_it(tr("channel", "Channel after"))


class Readouts(QWidget):
    """The read-outs; each tells unit, quality and age on hover (U22)."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = {name: Readout() for name in READOUTS}
        Row(self, gap=0).addWidget(ReadoutStrip(tuple(self.parts.values())), 1)

    def refresh(self, model: ChannelModel) -> None:
        """Show the newest values; nothing known is a dash."""
        shown = {one.id: one for one in model.readouts()}
        for name, part in self.parts.items():
            one = shown.get(name)
            if one is None:
                part.show_value("-")
                continue
            part.set_name(one.title)
            hover = " · ".join(text for text in (f"{one.value} {one.unit}".strip(), one.under) if text)
            part.show_value(one.value, one.unit, one.under, stale=one.muted, hover=hover)
