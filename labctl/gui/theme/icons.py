"""Material Design icons by name, in any colour, sharp at every scale (QtAwesome ships the font; Apache-2.0)."""

from __future__ import annotations

import os
from functools import lru_cache

from PySide6.QtGui import QIcon

os.environ.setdefault("QT_API", "pyside6")  # QtAwesome asks this before it looks which Qt there is

import qtawesome

PREFIX = "mdi6."


@lru_cache(maxsize=1024)
def icon(name: str, colour: str, off_colour: str = "") -> QIcon:
    """Return an icon, for example ``icon("bell-outline", "#555555")``. Raises: Exception for a name there is not."""
    drawn = qtawesome.icon(f"{PREFIX}{name}", color=colour, color_disabled=off_colour or colour)
    assert isinstance(drawn, QIcon)
    return drawn


def forget() -> None:
    """Drop what was drawn: a test ends with the application that drew it."""
    icon.cache_clear()
