"""Protocols to and from files: the text as it stands, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.view import Context
from labctl.gui.viewmodels.acts import Trouble

FILTER = "YAML (*.yaml *.yml)"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was read."""

    name: str
    stem: str
    text: str


def export(parent: QWidget, context: Context, name: str, text: str) -> None:
    """Ask where, and write a text."""
    chosen, _ = QFileDialog.getSaveFileName(parent, tr("protocol", "Export protocol"), f"{name}.yaml", FILTER)
    if not chosen:
        return
    try:
        Path(chosen).write_bytes(text.encode("utf-8"))
    except OSError as error:
        context.trouble(Trouble(tr("protocol", "The file cannot be written."), str(error)))
        return
    context.say(tr("protocol", "Exported to {name}").format(name=Path(chosen).name))


def read(parent: QWidget, context: Context) -> Found | None:
    """Ask which, and read a file; None where there is none to read."""
    chosen, _ = QFileDialog.getOpenFileName(parent, tr("protocol", "Import protocol"), "", FILTER)
    if not chosen:
        return None
    try:
        text = Path(chosen).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        context.trouble(Trouble(tr("protocol", "The file cannot be read."), str(error)))
        return None
    return Found(Path(chosen).name, Path(chosen).stem, text)
