"""Pages that take the height they are given: wrapped words in them do not make the window scroll."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget


class Pages(QStackedWidget):
    """A stack of pages without a wish for height: plots and trees share what there is."""

    def hasHeightForWidth(self) -> bool:
        """Tell that no height follows from the width."""
        return False
