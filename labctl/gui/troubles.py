"""Errors of the client as a person reads them: what, why, what next; details folded away (R14)."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from labctl.errors import (
    ConflictError,
    LabctlError,
    LinkClosed,
    LinkError,
    ProgramError,
    UnconfirmedError,
    UserInputError,
)

if TYPE_CHECKING:
    from labctl.gui.viewmodels.acts import Trouble


def trouble_of(what: str, error: BaseException, *, link_text: str = "") -> Trouble:
    """Return what went wrong with an ask."""
    from labctl.gui.i18n.translating import tr
    from labctl.gui.viewmodels.acts import Trouble, TroubleKind

    title = tr("trouble", "Not done: {what}").format(what=what)
    if isinstance(error, TimeoutError):
        return overdue(what, link_text)
    if isinstance(error, UnconfirmedError):
        unsure = tr("trouble", "Not confirmed: {what}").format(what=what)
        told = tr("trouble", "Look at the instrument: nobody knows whether it was done.")
        return Trouble(unsure, str(error), told, "", TroubleKind.DEADLINE)
    if isinstance(error, ConflictError):
        return Trouble(
            title, str(error), tr("trouble", "Look at it again, then decide."), "", TroubleKind.CONFLICT
        )
    if isinstance(error, ProgramError):
        return Trouble(title, str(error), "", "\n".join(error.findings), TroubleKind.REFUSED)
    if isinstance(error, UserInputError):
        return Trouble(title, str(error), "", "", TroubleKind.REFUSED)
    if isinstance(error, LinkError | LinkClosed | OSError) and not isinstance(error, UserInputError):
        next_text = tr("trouble", "The link is tried again by itself.")
        return Trouble(title, str(error), next_text, "", TroubleKind.LINK)
    details = "".join(traceback.format_exception(error))
    kind = TroubleKind.FAILED
    why = str(error) if isinstance(error, LabctlError) else f"{type(error).__name__}: {error}"
    return Trouble(title, why, "", details, kind)


def overdue(what: str, link_text: str = "") -> Trouble:
    """Return the trouble of an ask whose deadline has passed: nobody knows whether it was done."""
    from labctl.gui.i18n.translating import tr
    from labctl.gui.viewmodels.acts import Trouble, TroubleKind

    title = tr("trouble", "No answer yet: {what}").format(what=what)
    why = link_text or tr(
        "trouble", "The station has not answered in time; whether it was done is not known."
    )
    return Trouble(
        title, why, tr("trouble", "Look at how things stand, then decide."), "", TroubleKind.DEADLINE
    )
