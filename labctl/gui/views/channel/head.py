"""The head of the channel view and its strip of read-outs."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.labels import Line
from labctl.gui.parts.layouts import Row
from labctl.gui.parts.readout import Readout, ReadoutStrip
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.channel import ChannelModel
from labctl.gui.viewmodels.protocol.typed import pretty

NAME_MAX = 34
WIDE_PX, NARROW_PX = 1150, 1000
READOUT_PX, KEPT_LEAST = 118, 3
KEPT_LONGEST = ("voltage", "current", "step_time", "finish", "cycle", "charge", "efficiency", "temperature")
"""Which read-outs stay where there is no room for all: the last of these goes first."""
READOUTS = ("voltage", "current", "charge", "cycle", "efficiency", "temperature", "step_time", "finish")


def short(name: str) -> str:
    """Return a name that leaves room for the rest of the head; the tooltip has all of it."""
    return name if len(name) <= NAME_MAX else name[: NAME_MAX - 1].rstrip(" ,.;") + "…"


class HeadChips:
    """What stands beside the title: arrows, protocol at the left; step, cycle, device at the right."""

    def __init__(self, arrows: Row, left: Row, right: Row) -> None:
        self.before, self.after = (
            Button(icon=icon, rank=Rank.QUIET) for icon in ("chevron-left", "chevron-right")
        )
        self.protocol = Chip(icon="repeat", pressable=True)
        self.step, self.cycle, self.device = Chip(glyph="rest"), Chip(), Chip()
        self._named, self._told, self._width_px = False, False, 0.0
        arrows.put(self.before, self.after)
        left.put(self.protocol)
        right.put(self.step, self.cycle, self.device)

    def refresh(self, model: ChannelModel) -> tuple[str, str]:
        """Show the head; returns title and what stands beside it."""
        head = model.head()
        self.protocol.show_words(short(pretty(head.protocol)), head.revision)
        self.protocol.setToolTip(head.protocol)
        self._named, self._told = bool(head.protocol), bool(head.step or head.device)
        name, _, rest = head.step.partition(" ")
        self.step.show_words(name, rest, glyph=head.glyph, token=head.token)
        word, _, count = head.cycle.partition(" ")
        self.cycle.show_words("", f"{word} {count}" if head.cycle else "")
        self.cycle.setVisible(bool(head.cycle))
        self.device.show_words("", head.device)
        self.step.setVisible(self._told)
        self.fit(self._width_px)
        return f"{head.label}  {head.cell}".strip(), head.facts

    def fit(self, width_px: float) -> None:
        """Leave chips out where the head is narrow: first the device, then the protocol; other places tell them."""
        self._width_px = width_px
        self.device.setVisible(self._told and width_px >= WIDE_PX)
        self.protocol.setVisible(self._named and width_px >= NARROW_PX)

    def retranslate(self) -> None:
        """Name what has no words."""
        self.before.name_it(tr("channel", "Channel before"))
        self.after.name_it(tr("channel", "Channel after"))


class Readouts(QWidget):
    """The read-outs; each tells unit, quality and age on hover (U22)."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.parts = {name: Readout() for name in READOUTS}
        strip = ReadoutStrip(tuple(self.parts.values()))
        self._lines = strip.findChildren(Line)
        Row(self, gap=0).addWidget(strip, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep as many read-outs as can be read."""
        super().resizeEvent(event)
        left = self.width()
        for at, name in enumerate(KEPT_LONGEST):
            left -= self.parts[name].minimumSizeHint().width() + 2
            self.parts[name].setVisible(at < KEPT_LEAST or left >= 0)
        for line, name in zip(self._lines, READOUTS[1:], strict=True):
            line.setVisible(not self.parts[name].isHidden())

    def minimumSizeHint(self) -> QSize:
        """Return the room of three read-outs: the others may go."""
        return QSize(theme().px(KEPT_LEAST * READOUT_PX), theme().px(72))

    def refresh(self, model: ChannelModel) -> None:
        """Show the newest values; nothing known is a dash."""
        shown = {one.id: one for one in model.readouts()}
        for name, part in self.parts.items():
            one = shown.get(name)
            if one is None:
                part.show_value("-")
                continue
            part.set_name(one.title)
            trust = model.trust if one.is_live and one.under != model.trust else ""
            hover = " · ".join(text for text in (f"{one.value} {one.unit}".strip(), one.under, trust) if text)
            part.show_value(one.value, one.unit, one.under, stale=one.muted, hover=hover)
