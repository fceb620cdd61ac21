"""Where the view-model of the settings keeps a person's preferences: in the session, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labctl.gui.parts.view import Context
from labctl.gui.session import Session
from labctl.gui.viewmodels.settings import Settings

KEY = "preferences"


class SessionKeep:
    """A ``Keep`` over the session's plain values."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load(self) -> Mapping[str, Any]:
        """Return what was kept, empty at the first start."""
        found = self._session.get(KEY, {})
        return found if isinstance(found, dict) else {}

    def save(self, data: Mapping[str, Any]) -> None:
        """Keep it."""
        self._session.put(KEY, dict(data))


def settings_of(context: Context) -> Settings:
    """Return the preferences that all views of a window share."""
    shared: Settings = context.share("settings", lambda: Settings(SessionKeep(context.session)))
    return shared
