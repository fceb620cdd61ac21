"""Preferences of the person before the window, kept in the session beside the window's own theme and scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labctl.gui.i18n.translating import Language
from labctl.gui.session import Session
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.viewmodels.settings import Settings
from labctl.gui.viewmodels.units import units

if TYPE_CHECKING:
    from labctl.gui.parts.view import Context

KEY = "preferences"


class SessionKeep:
    """``Keep`` of the view-model over a ``Session``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load(self) -> Mapping[str, Any]:
        """Return what was kept."""
        kept = self._session.get(KEY, {})
        found = dict(kept) if isinstance(kept, dict) else {}
        session = self._session
        return {
            **found,
            "theme": session.theme.value,
            "language": session.language.value,
            "scale": session.scale,
        }

    def save(self, data: Mapping[str, Any]) -> None:
        """Keep it."""
        self._session.put(KEY, dict(data))
        self._session.theme = ThemeName(str(data["theme"]))
        self._session.language = Language(str(data["language"]))
        self._session.scale = float(data["scale"])


def settings_of(context: Context) -> Settings:
    """Return the preferences that all views of a window share: ``settings_of(context).now.motion``."""
    found: Settings = context.share("settings", lambda: _made(SessionKeep(context.session)))
    return found


def _made(keep: SessionKeep) -> Settings:
    """Return the preferences; from now on numbers are shown in the units that they say."""
    made = Settings(keep)

    def choose(names: frozenset[str]) -> None:
        if "units" in names:
            units.choose(made.now.units)

    made.watch(choose)
    choose(frozenset({"units"}))
    return made
