"""What stands above the queue: how far each campaign is, and what holds parts of the queue, as chips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.viewmodels.allowed import short_id
from labctl.gui.viewmodels.queue import Campaign
from labctl.model.job import QueueStanding

TEXT_MAX = 72
NAME_MAX = 20


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _brief(campaigns: Sequence[Campaign]) -> dict[str, str]:
    """Return what each campaign is called beside others: up to its colon, where that tells them apart."""
    heads = Counter(one.name.partition(": ")[0] for one in campaigns)
    found = {}
    for one in campaigns:
        head = one.name.partition(": ")[0]
        found[one.name] = _cut(head if heads[head] == 1 else one.name, NAME_MAX)
    return found


def _say(chip: Chip, campaign: Campaign, chosen: str, brief: str) -> None:
    """Show a campaign: shortly while others stand beside it, in full while it is shown alone."""
    alone = campaign.name == chosen
    chip.setChecked(alone)
    if alone:
        chip.show_words(campaign.name, campaign.told)
    else:
        chip.show_words(brief, campaign.short)
    chip.setAccessibleName(f"{campaign.name}, {campaign.told}")
    hint = tr("queue", "Show this campaign alone")
    chip.setToolTip(f"{campaign.name}\n{campaign.told}\n{hint}")


class Strip(QScrollArea):
    """``campaign`` carries the one that is to be shown alone (empty: all); ``release`` what is to be let go."""

    campaign = Signal(str)
    release = Signal(str, str)
    """What kind (``part`` or ``channel``) and its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        fix_size(self, height=30)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for put in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            put(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        self._row = Row(inner, gap=8)
        self._row.addStretch(1)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)
        self._shown: object = None
        self.label: Callable[[str], str] = short_id
        """How a channel is called where a chip holds one; the view gives the names of its racks."""
        self.chips: dict[str, Chip] = {}

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move along the chips where they do not fit."""
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - (event.angleDelta().y() or event.angleDelta().x()))

    def show_parts(self, campaigns: Sequence[Campaign], chosen: str, standing: QueueStanding) -> None:
        """Show campaigns as switches and holds as chips that release."""
        holds = [("part", "", standing.stopped)] if standing.stopped else []
        holds += [("part", hold.target, str(hold)) for hold in standing.holds]
        holds += [("channel", str(name), why) for name, why in dict(standing.lanes).items()]
        present = (tuple(campaigns), chosen, tuple(holds), tr("queue", "release"))
        if present == self._shown:
            return
        same = self._shown is not None and [c.name for c in campaigns] == [
            name.partition(":")[2] for name in self.chips if name.startswith("campaign:")
        ]
        self._shown = present
        if same and not holds and not any(not name.startswith("campaign:") for name in self.chips):
            brief = _brief(campaigns)
            for campaign in campaigns:
                _say(self.chips[f"campaign:{campaign.name}"], campaign, chosen, brief[campaign.name])
            return
        self._build(campaigns, chosen, holds)

    def _build(
        self, campaigns: Sequence[Campaign], chosen: str, holds: Sequence[tuple[str, str, str]]
    ) -> None:
        for chip in self.chips.values():
            self._row.removeWidget(chip)
            chip.deleteLater()
        self.chips = {}
        for kind, name, why in holds:
            shown = self.label(name) if name else tr("queue", "whole queue")
            chip = Chip(shown, _cut(why, TEXT_MAX), badge="high", pressable=True)
            hint = tr("queue", "Press to release it.")
            chip.setToolTip(f"{why}\n{hint}")
            chip.clicked.connect(lambda checked=False, kind=kind, name=name: self.release.emit(kind, name))
            self._add(f"hold:{name}", chip)
        brief = _brief(campaigns)
        for campaign in campaigns:
            chip = Chip(checkable=True)
            _say(chip, campaign, chosen, brief[campaign.name])
            chip.clicked.connect(
                lambda checked, name=campaign.name: self.campaign.emit(name if checked else "")
            )
            self._add(f"campaign:{campaign.name}", chip)
        self.setVisible(bool(self.chips))

    def _add(self, name: str, chip: Chip) -> None:
        self.chips[name] = chip
        self._row.insertWidget(self._row.count() - 1, chip)
