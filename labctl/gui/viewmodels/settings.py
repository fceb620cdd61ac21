"""Settings of the person before the window, the people of the station, and how they are told; typed and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Protocol

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.allowed import general
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.filters import SavedFilter, ready_made
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.text import moment
from labctl.gui.viewmodels.words import mark, role_word, tr
from labctl.model.person import Person, Role

SCALE_MIN, SCALE_MAX = 0.8, 2.0


class Theme(StrEnum):
    """Looks of the window."""

    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


class Language(StrEnum):
    """Languages of the window."""

    ENGLISH = "en"
    CHINESE = "zh_CN"


THEME_WORDS: Mapping[Theme, str] = {
    Theme.LIGHT: mark("settings", "Light"), Theme.DARK: mark("settings", "Dark"),
    Theme.CONTRAST: mark("settings", "High contrast"),
}  # fmt: skip
LANGUAGE_WORDS: Mapping[Language, str] = {Language.ENGLISH: "English", Language.CHINESE: "简体中文"}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one person likes. ``scale`` is the font scale; ``motion`` the 1 Hz outline of an unseen CRITICAL."""

    theme: Theme = Theme.LIGHT
    language: Language = Language.ENGLISH
    scale: float = 1.0
    motion: bool = True
    utc_times: bool = False
    tile_size: str = "M"
    units: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[SavedFilter, ...] | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the preferences as they are kept."""
        return {
            "theme": self.theme.value, "language": self.language.value, "scale": self.scale, "motion": self.motion,
            "utc_times": self.utc_times, "tile_size": self.tile_size,
            "units": dict(self.units),
            "filters": None if self.filters is None else [one.to_plain() for one in self.filters],
        }  # fmt: skip


def preferences_of(data: Mapping[str, Any]) -> Preferences:
    """Return what ``to_plain`` gave; what cannot be read is left at its default: a window opens always."""
    found = Preferences()
    for name, read in _READERS.items():
        if name in data:
            try:
                found = replace(found, **{name: read(data[name])})
            except (ValueError, TypeError, AttributeError):
                continue
    return found


def _scale(value: Any) -> float:
    scale = float(value)
    if not SCALE_MIN <= scale <= SCALE_MAX:
        raise ValueError("out of range")
    return round(scale, 2)


def _size(value: Any) -> str:
    if value not in ("S", "M", "L"):
        raise ValueError("no size")
    return str(value)


def _units(value: Any) -> dict[str, str]:
    return {str(name): str(unit) for name, unit in value.items()}


def _filters(value: Any) -> tuple[SavedFilter, ...] | None:
    return None if value is None else tuple(SavedFilter.from_plain(one) for one in value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "theme": Theme, "language": Language, "scale": _scale, "motion": bool, "utc_times": bool,
    "tile_size": _size, "units": _units, "filters": _filters,
}  # fmt: skip


class Keep(Protocol):
    """Where preferences are kept (the session)."""

    def load(self) -> Mapping[str, Any]:
        """Return what was kept, empty at the first start."""
        ...

    def save(self, data: Mapping[str, Any]) -> None:
        """Keep it."""
        ...


class Settings:
    """The preferences with their changes as edits."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._watchers: list[Callable[[frozenset[str]], None]] = []
        self.now = preferences_of(keep.load())

    def watch(self, observer: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call ``observer`` with the names that have changed; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def reload(self) -> None:
        """Take what was kept meanwhile: theme, language and scale are chosen in the status bar too."""
        found = preferences_of(self._keep.load())
        if found != self.now:
            changed = frozenset(
                one.name for one in fields(found) if getattr(found, one.name) != getattr(self.now, one.name)
            )
            self.now = found
            for observer in tuple(self._watchers):
                observer(changed)

    def set(self, **changes: Any) -> Edit | None:
        """Return the edit that changes preferences. Raises: ValueError for a value that cannot be."""
        before, after = self.now, self.now
        for name, value in changes.items():
            after = replace(after, **{name: _READERS[name](value) if name != "filters" else value})
        if before == after:
            return None
        names = ", ".join(sorted(changes))
        return Edit(
            tr("settings", "change {names}").format(names=names),
            lambda: self._put(after),
            lambda: self._put(before),
        )

    def _put(self, now: Preferences) -> None:
        changed = frozenset(
            one.name for one in fields(now) if getattr(now, one.name) != getattr(self.now, one.name)
        )
        self.now = now
        self._keep.save(now.to_plain())
        for observer in tuple(self._watchers):
            observer(changed)

    def zoom(self, steps: int) -> Edit | None:
        """Return the edit that makes everything larger or smaller, a tenth a step; 0 = 100 %."""
        scale = 1.0 if steps == 0 else min(SCALE_MAX, max(SCALE_MIN, self.now.scale + 0.1 * steps))
        return self.set(scale=scale)

    @property
    def filters(self) -> tuple[SavedFilter, ...]:
        """Return the saved filters, the ready-made ones at first."""
        return ready_made() if self.now.filters is None else self.now.filters

    def save_filter(self, made: SavedFilter) -> Edit | None:
        """Return the edit that keeps a filter under its name."""
        return self.set(filters=(*(one for one in self.filters if one.name != made.name), made))

    def remove_filter(self, name: str) -> Edit | None:
        """Return the edit that forgets a filter."""
        return self.set(filters=tuple(one for one in self.filters if one.name != name))


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person or service with a token."""

    name: str
    role: str
    since: str
    until: str
    service: bool
    revoked: bool


class People:
    """Who has access, for those who may see and change it. A new token is shown once and kept nowhere."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab = lab
        self._acts = acts
        self._people: tuple[Person, ...] = ()
        self._watchers: list[Callable[[], None]] = []
        self.token = ""
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def refresh(self) -> None:
        """Ask who has access."""
        self._acts.ask("people.list", then=self._take, failed=self._failed)

    def _take(self, people: Sequence[Person]) -> None:
        self._people, self.trouble = tuple(people), None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    def rows(self) -> tuple[PersonRow, ...]:
        """Return the people, those with access first."""
        now = self._lab.utc
        ordered = sorted(self._people, key=lambda person: (person.revoked, person.name.lower()))
        return tuple(
            PersonRow(person.name, role_word(person.role), moment(utc_of(person.created_utc), now),
                      moment(utc_of(person.expires_utc), now), person.service, person.revoked)
            for person in ordered
        )  # fmt: skip

    def add_why_not(self, name: str) -> str:
        """Return why a person cannot be added, empty where it can."""
        refusal = general(self._lab, "people.add")
        if refusal:
            return refusal
        if not name.strip():
            return tr("settings", "A name is needed.")
        taken = any(person.name == name.strip() and not person.revoked for person in self._people)
        return tr("settings", "{name} has access already.").format(name=name.strip()) if taken else ""

    def add(self, name: str, role: Role) -> str:
        """Give a person a token; returns why not, empty when it was asked for."""
        why = self.add_why_not(name)
        if not why:
            self._acts.send("people.add", name.strip(), name.strip(), role, then=self._added)
        return why

    def _added(self, answer: Any) -> None:
        self.token = str(getattr(answer, "token", ""))
        self.refresh()

    def forget_token(self) -> None:
        """Drop the shown token."""
        self.token = ""
        self._tell()

    def revoke(self, name: str, reason: str = "") -> str:
        """Take a person's access away (confirmed before); returns why not."""
        why = general(self._lab, "people.revoke")
        if not why:
            self._acts.send("people.revoke", name, name, reason=reason, then=lambda answer: self.refresh())
        return why
