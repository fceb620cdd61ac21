"""What is kept per user: theme, language, scale, layouts, filters. Lost settings cost a click, never data."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QSettings

from labctl.gui.i18n.translating import Language, system_language
from labctl.gui.theme.tokens import ThemeName

T = TypeVar("T", bound=StrEnum)

LAYOUT_VERSION = 2
"""Layouts of another version are not taken."""


class Session:
    """Typed settings. ``file`` is an ini (tests, portable use); None = the place of this computer's user."""

    def __init__(self, file: Path | None = None) -> None:
        if file is None:
            self._settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "labctl", "gui")
        else:
            self._settings = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def theme(self) -> ThemeName:
        """Return the chosen theme."""
        return _one_of(ThemeName, self._text("look/theme"), ThemeName.LIGHT)

    @theme.setter
    def theme(self, name: ThemeName) -> None:
        self._settings.setValue("look/theme", name.value)

    @property
    def language(self) -> Language:
        """Return the chosen language; before a choice the computer's."""
        return _one_of(Language, self._text("look/language"), system_language())

    @language.setter
    def language(self, language: Language) -> None:
        self._settings.setValue("look/language", language.value)

    @property
    def scale(self) -> float:
        """Return the scale of fonts and sizes, 0.8 to 2."""
        try:
            return min(2.0, max(0.8, float(self._text("look/scale") or 1.0)))
        except ValueError:
            return 1.0

    @scale.setter
    def scale(self, scale: float) -> None:
        self._settings.setValue("look/scale", f"{scale:.2f}")

    # -- layouts ----------------------------------------------------------------------------------------------------

    def layout(self, name: str = "last") -> tuple[bytes, str] | None:
        """Return a saved arrangement of views and its main view; None where there is none that fits."""
        if self._text(f"layout/{name}/version") != str(LAYOUT_VERSION):
            return None
        state = self._settings.value(f"layout/{name}/state")
        main = self._text(f"layout/{name}/main")
        if not isinstance(state, QByteArray) or not main:
            return None
        return bytes(state.data()), main

    def save_layout(self, state: bytes, main: str, name: str = "last") -> None:
        """Keep an arrangement of views."""
        self._settings.setValue(f"layout/{name}/version", str(LAYOUT_VERSION))
        self._settings.setValue(f"layout/{name}/state", QByteArray(state))
        self._settings.setValue(f"layout/{name}/main", main)

    def forget_layout(self, name: str = "last") -> None:
        """Forget an arrangement."""
        self._settings.remove(f"layout/{name}")

    def layouts(self) -> tuple[str, ...]:
        """Return the names of the arrangements that a person saved."""
        self._settings.beginGroup("layout")
        names = tuple(name for name in self._settings.childGroups() if name != "last")
        self._settings.endGroup()
        return names

    def geometry(self) -> QByteArray | None:
        """Return where the window was, None at the first start."""
        found = self._settings.value("window/geometry")
        return found if isinstance(found, QByteArray) else None

    def save_geometry(self, geometry: QByteArray) -> None:
        """Keep where the window is."""
        self._settings.setValue("window/geometry", geometry)

    # -- plain values of views --------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """Return a plain value (what JSON can say); ``default`` where there is none or it cannot be read."""
        text = self._text(f"plain/{key}")
        if not text:
            return default
        try:
            return json.loads(text)
        except ValueError:
            return default

    def put(self, key: str, value: Any) -> None:
        """Keep a plain value; None forgets it."""
        if value is None:
            self._settings.remove(f"plain/{key}")
        else:
            self._settings.setValue(f"plain/{key}", json.dumps(value, ensure_ascii=False))

    def sync(self) -> None:
        """Write to disk now."""
        self._settings.sync()

    def _text(self, key: str) -> str:
        value = self._settings.value(key)
        return "" if value is None else str(value)


def _one_of(kind: type[T], text: str, default: T) -> T:
    try:
        return kind(text)
    except ValueError:
        return default
