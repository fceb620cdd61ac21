"""Help (F1): the docs page of a view, from the folder beside the package."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

DOCS = Path(__file__).resolve().parents[2] / "docs"
FIRST = "README.md"


def help_page(name: str) -> Path | None:
    """Return the docs page of a view, the first page where it has none; None where there are no docs here."""
    for page in (name, FIRST):
        if page and (DOCS / page.partition("#")[0]).is_file():
            return DOCS / page.partition("#")[0]
    return None


def open_help(name: str) -> bool:
    """Open a page with the program that this computer has for it; False where that is not possible."""
    page = help_page(name)
    if page is None:
        return False
    url = QUrl.fromLocalFile(str(page))
    if page.name == name.partition("#")[0]:
        url.setFragment(name.partition("#")[2])
    return QDesktopServices.openUrl(url)
