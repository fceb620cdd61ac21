"""Help (F1): the docs page of a view in a window of its own, at the section of the view, light or dark as the rest.

Pages come with labctl: from the folder beside the package in a checkout, from ``share/labctl/docs`` of the environment
where a wheel was installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent, QKeySequence, QShortcut, QTextBlock, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.labels import Label, Line
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.stopall import StopAllButton, give_chord
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

PLACES = (Path(__file__).resolve().parents[2] / "docs", Path(sys.prefix) / "share" / "labctl" / "docs")
FIRST = "README.md"
SIZE = (820, 900)
_open: list[HelpWindow] = []
"""The one help window; a second F1 turns its pages."""


def docs_folder() -> Path | None:
    """Return where the docs are; None where they were not installed."""
    return next((place for place in PLACES if (place / FIRST).is_file()), None)


def help_page(name: str) -> Path | None:
    """Return the docs page of a view, the first page where it has none; None where there are no docs here."""
    folder = docs_folder()
    if folder is None:
        return None
    page = folder / name.partition("#")[0]
    return page if page.is_file() else folder / FIRST


def open_help(name: str) -> bool:
    """Show a page (``gui.md#station``) in the help window; False where labctl came without its docs."""
    page = help_page(name)
    if page is None:
        return False
    if not _open:
        _open.append(HelpWindow())
    _open[0].show_page(page, name.partition("#")[2] if page.name == name.partition("#")[0] else "")
    return True


def close_help() -> None:
    """Close the help with the window that opened it: its Stop all outputs would stop nothing any more."""
    while _open:
        _open.pop().close()


def slug(heading: str) -> str:
    """Return the anchor of a heading, as repositories make it: ``How it *works*`` is ``how-it-works``."""
    kept = [sign.lower() for sign in heading.strip() if sign.isalnum() or sign in " -_"]
    return "".join(kept).replace(" ", "-")


class HelpWindow(QWidget):
    """Pages with links among each other; links to the outside are opened by the computer's browser."""

    def __init__(self) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self.setObjectName("help-window")
        theme().dress(self)
        self.browser = QTextBrowser()
        self.browser.setOpenLinks(False)
        self.browser.anchorClicked.connect(self._follow)
        self.browser.document().setDocumentMargin(theme().px(24))
        self.back = Button(icon="arrow-left", rank=Rank.QUIET)
        self.back.clicked.connect(self.go_back)
        self.name = Label("", Role.STRONG)
        self._been: list[tuple[Path, str]] = []
        self._now: tuple[Path, str] | None = None
        head = Row(margins=(8, 0, 0, 0), gap=8)
        head.put(self.back, self.name, None, StopAllButton())
        outer = Column(self, gap=0)
        outer.addLayout(head)
        outer.addWidget(Line())
        outer.addWidget(self.browser, 1)
        give_chord(self)
        QShortcut(QKeySequence("Alt+Left"), self).activated.connect(self.go_back)
        self.resize(*(theme().px(size) for size in SIZE))
        self.retranslate()

    def retranslate(self) -> None:
        """Take the words of the language."""
        self.setWindowTitle(tr("help", "Help - labctl"))
        self.back.setToolTip(tr("help", "Back"))
        self.back.setAccessibleName(tr("help", "Back"))
        self.browser.setAccessibleName(tr("help", "Help page"))

    def show_page(self, page: Path, anchor: str = "") -> None:
        """Show a page at a section, and come to the front."""
        if self._now is not None and self._now != (page, anchor):
            self._been.append(self._now)
        self.show()  # first: the height of the page depends on the width
        self._turn_to(page, anchor)
        self.raise_()
        self.activateWindow()

    def go_back(self) -> None:
        """Show the page before."""
        if self._been:
            self._turn_to(*self._been.pop())

    def _turn_to(self, page: Path, anchor: str) -> None:
        self._now = (page, anchor)
        document = self.browser.document()
        document.setDefaultFont(theme().font(Role.BODY))
        document.setBaseUrl(QUrl.fromLocalFile(f"{page.parent}/"))
        document.setMarkdown(
            page.read_text(encoding="utf-8"), QTextDocument.MarkdownFeature.MarkdownDialectGitHub
        )
        self.name.setText(page.name)
        self.back.setEnabled(bool(self._been))
        self._go_to(anchor)

    def _go_to(self, anchor: str) -> None:
        block: QTextBlock = self.browser.document().begin()
        while anchor and block.isValid():
            if block.blockFormat().headingLevel() and slug(block.text()) == anchor:
                bar = self.browser.verticalScrollBar()
                layout = self.browser.document().documentLayout()
                bar.setValue(int(layout.blockBoundingRect(block).top()))
                return
            block = block.next()

    def _follow(self, link: QUrl) -> None:
        if self._now is None:
            return
        if not link.isRelative() and not link.isLocalFile():
            QDesktopServices.openUrl(link)
            return
        name = link.path() if link.path() else self._now[0].name
        page = (self._now[0].parent / name).resolve()
        if page.is_dir():
            page = page / FIRST
        if page.suffix == ".md" and page.is_file():
            self.show_page(page, link.fragment())
        else:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow language and theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_now"):
            self.retranslate()
