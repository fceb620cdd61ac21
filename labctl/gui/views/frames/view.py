"""The table of raw frames with the bytes and the reading of the chosen one below."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.fields import ChoiceBox, SearchField
from labctl.gui.parts.labels import Line
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.rows import Field, Head, RowModel, chosen_rows, give_widths, keep_widths
from labctl.gui.parts.table import LIST_PX, Table
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.frames import FrameRow, Frames

TICK_MS = 1000
DETAIL_PX = 120


class FramesView(View):
    """Frames of a channel, an instrument or a chamber."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.model = Frames(context.lab, context.asks)
        self.subject, self.search_field = ChoiceBox(), SearchField(keys="/")
        self.follow = Chip(checkable=True)
        self.head_left.addWidget(self.subject)
        fix_size(self.search_field, width=260, height=32)
        self.head_right.put(self.search_field, self.follow)
        self.rows = RowModel()
        self.table = Table("", row_px=LIST_PX)
        keep_widths(self.table, self.rows)
        self.table.setHorizontalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )  # the last column is cut
        self.detail = QPlainTextEdit()
        self.detail.setReadOnly(True)
        self._restyle()
        theme().changed.connect(self._restyle)
        fix_size(self.detail, height=DETAIL_PX)
        self.card = Card(inset=0)
        self.card.body.setSpacing(0)
        self.card.body.addWidget(self.table, 1)
        self.card.body.addWidget(Line())
        self.card.body.addWidget(self.detail)
        self.page.addWidget(self.card, 1)
        self.earlier = self.bar.add(Button(icon="history"))
        self.copy = self.bar.add(Button(icon="content-copy"))
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self.model.refresh)
        self._shown: tuple[FrameRow, ...] = ()
        self.subject.chosen.connect(self.open_on)
        self.follow.clicked.connect(lambda: self.model.set_follow(self.follow.isChecked()))
        self.search_field.textChanged.connect(self.model.set_search)
        self.earlier.clicked.connect(self.model.ask_earlier)
        self.copy.clicked.connect(self.table.copy)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_detail())
        self._unwatch = self.model.watch(self.refresh)

    def _restyle(self) -> None:
        """Give the bytes a fixed pitch in the person's size; the sheet's size would win over a font."""
        family = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        size_pt = Role.BODY.value.size_pt * theme().scale
        self.detail.setStyleSheet(f"font-family: '{family}'; font-size: {size_pt:g}pt;")

    def open_on(self, target: Any) -> None:
        """Show the frames of a channel, an instrument or a chamber."""
        if isinstance(target, str) and target:
            self.model.show(target)

    def shown(self) -> None:
        """Follow while it is seen."""
        if not self.model.subject:
            subjects = self.model.subjects()
            if subjects:
                self.model.show(subjects[0])
        self.model.refresh()
        self._tick.start()
        self.refresh()

    def hidden(self) -> None:
        """Ask for nothing that nobody sees."""
        self._tick.stop()

    def refresh(self) -> None:
        """Show the frames; the chosen one stays chosen."""
        subjects = self.model.subjects()
        known = (
            subjects
            if self.model.subject in subjects or not self.model.subject
            else (*subjects, self.model.subject)
        )
        self.subject.show_choices([(name, name) for name in known])
        self.subject.choose(self.model.subject)
        self.follow.setChecked(self.model.follow)
        self._shown = self.model.rows()
        keys = [f"{row.time} {row.kind} {row.hex}" for row in self._shown]
        self.rows.show([self._fields(row) for row in self._shown], keys)
        self.bar.say(self.model.told)
        why = "" if self.model.earlier else tr("frames", "There are no earlier frames.")
        self.bar.set_why(self.earlier, "" if self.model.trouble is not None else why)
        self._show_detail()

    @staticmethod
    def _fields(row: FrameRow) -> tuple[Field, ...]:
        tone = "" if row.bad else "muted"
        kind = Field(row.kind, strong=row.bad)
        return (Field(row.time, tone="muted"), kind, Field(row.size, tone=tone),
                Field(row.channels), Field(row.text, why=row.text),
                Field(row.hex, tone="muted", why=row.hex))  # fmt: skip

    def _show_detail(self) -> None:
        chosen = chosen_rows(self.table)
        row = self._shown[chosen[0]] if chosen and chosen[0] < len(self._shown) else None
        text = "" if row is None else f"{row.time}  {row.kind}  {row.link}  {row.size}\n{row.text}\n{row.hex}"
        if text != self.detail.toPlainText():
            self.detail.setPlainText(text)

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.subject.set_name(tr("frames", "of"))
        self.search_field.set_hint(tr("frames", "Search in frames"))
        self.follow.show_words(tr("frames", "follow"))
        self.earlier.setText(tr("frames", "Earlier"))
        self.copy.setText(tr("frames", "Copy"))
        self.table.setAccessibleName(tr("frames", "Raw frames"))
        self.detail.setAccessibleName(tr("frames", "The chosen frame"))
        self.detail.setPlaceholderText(tr("frames", "Choose a frame to see all of it."))
        self.rows.show_heads((
            Head("time", tr("frames", "time"), 196), Head("kind", tr("frames", "what"), 92),
            Head("size", tr("frames", "bytes"), 72, right=True), Head("channels", tr("frames", "channels"), 130),
            Head("text", tr("frames", "reading"), 320), Head("hex", tr("frames", "first bytes"), 200),
        ))  # fmt: skip
        give_widths(self.table, self.rows)
        self.refresh()

    def search(self) -> None:
        """Put the keyboard into the search."""
        self.search_field.setFocus()

    def commands(self) -> list[Command]:
        """Return what the palette offers."""
        group = tr("frames", "Raw frames")
        return [Command(tr("frames", "Earlier frames"), self.model.ask_earlier, "", group)]

    def save_state(self) -> dict[str, Any]:
        """Keep of what frames are shown."""
        return {"subject": self.model.subject}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what was kept."""
        subject = state.get("subject")
        if isinstance(subject, str):
            self.model.subject = subject
