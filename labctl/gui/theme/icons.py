"""Material Design icons by name, in any colour, sharp at every scale (QtAwesome ships the font; Apache-2.0).

The font and its table of names are read from QtAwesome's folder; the package itself is not imported, because it brings
a layer over all Qt bindings that costs a person a third of the wait for the first painted window (budget F2).
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from labctl.errors import LabctlError

FONT = "materialdesignicons6-webfont-[0-9]*.ttf"
NAMES = "materialdesignicons6-webfont-charmap-*.json"
SHARE = 0.875
"""Size of the sign in its box: the rest is the font's own bearing."""


def _files() -> tuple[Path, Path]:
    """Return the font and its table of names. Raises: LabctlError for a broken installation."""
    package = find_spec("qtawesome")
    for place in () if package is None else package.submodule_search_locations or ():
        folder = Path(place) / "fonts"
        fonts, names = sorted(folder.glob(FONT)), sorted(folder.glob(NAMES))
        if fonts and names:
            return fonts[-1], names[-1]
    raise LabctlError("the icons of labctl cannot be read. Install labctl[gui] again.")


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Return the code point of each name, as hexadecimal digits: of seven thousand a window shows a hundred."""
    table: dict[str, str] = json.loads(_files()[1].read_text(encoding="utf-8"))
    return table


@lru_cache(maxsize=1)
def _family() -> str:
    """Make the font known to Qt; returns its family. Raises: LabctlError where Qt cannot read it."""
    number = QFontDatabase.addApplicationFontFromData(_files()[0].read_bytes())
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    if not families:
        raise LabctlError("the icons of labctl cannot be read. Install labctl[gui] again.")
    return str(families[0])


class _Engine(QIconEngine):
    """Draws one sign of the font at any size."""

    def __init__(self, sign: str, colour: str, off_colour: str) -> None:
        super().__init__()
        self._sign, self._colour, self._off_colour = sign, colour, off_colour

    def clone(self) -> QIconEngine:
        """Return the same engine anew."""
        return _Engine(self._sign, self._colour, self._off_colour)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the sign into a box."""
        font = QFont(_family())
        font.setPixelSize(max(1, round(SHARE * rect.height())))
        font.setHintingPreference(QFont.HintingPreference.PreferFullHinting)
        painter.save()
        painter.setFont(font)
        painter.setPen(QColor(self._off_colour if mode is QIcon.Mode.Disabled else self._colour))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._sign)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the sign as a picture."""
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made


@lru_cache(maxsize=1024)
def icon(name: str, colour: str, off_colour: str = "") -> QIcon:
    """Return an icon, for example ``icon("bell-outline", "#555555")``. Raises: KeyError for a name there is not."""
    return QIcon(_Engine(chr(int(_codes()[name], 16)), colour, off_colour or colour))


def forget() -> None:
    """Drop what was drawn: a test ends with the application that drew it."""
    icon.cache_clear()
    _family.cache_clear()
