"""The Qt palette of a theme, on Fusion: what the style sheet leaves alone has the right colours too."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from labctl.gui.theme.fonts import load
from labctl.gui.theme.tokens import Tokens, luminance


def dress(application: QApplication) -> None:
    """Give an application its style and fonts, once. Raises: LabctlError when a shipped font cannot be read."""
    application.setStyle("Fusion")
    load()
    application.setCursorFlashTime(0)  # nothing in the window moves by itself (R1)


def palette_of(tokens: Tokens) -> QPalette:
    """Return the palette."""
    role = QPalette.ColorRole
    made = QPalette()
    for place, colour in (
        (role.Window, tokens.window), (role.WindowText, tokens.text), (role.Base, tokens.field),
        (role.AlternateBase, tokens.head), (role.Text, tokens.text), (role.Button, tokens.panel),
        (role.ButtonText, tokens.text), (role.BrightText, tokens.hard), (role.Highlight, tokens.selection),
        (role.HighlightedText, tokens.text), (role.Link, tokens.accent), (role.LinkVisited, tokens.accent),
        (role.ToolTipBase, tokens.field), (role.ToolTipText, tokens.text), (role.PlaceholderText, tokens.muted),
        (role.Light, tokens.panel), (role.Midlight, tokens.hover), (role.Mid, tokens.hairline),
        (role.Dark, tokens.border), (role.Shadow, tokens.border), (role.Accent, tokens.accent),
    ):  # fmt: skip
        made.setColor(place, QColor(colour))
    for place in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, place, QColor(tokens.off))
    return made


def scheme_of(tokens: Tokens) -> Qt.ColorScheme:
    """Return whether title bars and native dialogs should be dark."""
    return Qt.ColorScheme.Dark if luminance(tokens.window) < 0.2 else Qt.ColorScheme.Light
