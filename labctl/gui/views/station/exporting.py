"""Where exported rows go: a folder that a person chooses, one CSV per run, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from labctl.gui.i18n.translating import tr

Write = Callable[[str, Any], object]


def writer(folder: Path) -> Write:
    """Return what writes a table into ``folder`` under a name; called outside the GUI's thread.

    A file that is half written has another name, so that nobody takes it for whole. Raises: OSError.
    """

    def write(name: str, table: Any) -> object:
        from pyarrow import csv

        target, part = folder / name, folder / f"{name}.part"
        csv.write_csv(table, str(part))
        part.replace(target)
        return target

    return write


def choose_folder(parent: QWidget, begin: Callable[[Write], object]) -> QFileDialog:
    """Ask for a folder without blocking the window, then begin."""
    dialog = QFileDialog(parent.window(), tr("station", "Export rows as CSV into a folder"))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda folder: begin(writer(Path(folder))))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
