"""A control that is off says why: in its tooltip, to the screen reader, and in the status line (R5)."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

REASON = "labctl_reason"
TOOLTIP = "labctl_tooltip"


def set_why(control: QWidget | QAction, reason: str) -> None:
    """Switch a control off for a reason in words; an empty reason switches it on."""
    if control.property(TOOLTIP) is None:
        control.setProperty(TOOLTIP, control.toolTip())
    control.setProperty(REASON, reason)
    control.setEnabled(not reason)
    control.setToolTip(reason or str(control.property(TOOLTIP) or ""))
    control.setStatusTip(reason)
    if isinstance(control, QWidget):
        control.setAccessibleDescription(reason)


def why(control: QWidget | QAction) -> str:
    """Return why a control is off; empty where it is on."""
    return "" if control.isEnabled() else str(control.property(REASON) or "")
