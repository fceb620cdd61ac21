"""Reads ``notify:`` of the station file: who is told of alarms, by which paths, and when not.

A path is an Apprise address (``ntfys://…``, ``mailtos://…``, ``json://…``). Because most of them hold a password, it
can be named instead of written: ``env:NAME`` (environment of the station) or ``key:SERVICE/NAME`` (key store of the
operating system). A path never shows what it holds: not in texts, not in logs, not in errors.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from labctl.errors import UserFileError, UserInputError
from labctl.protocol.yamlfile import Fields, Node, Scalar, Sequence, refusal

PEOPLE_MAX = 10
PATHS_MAX = 5
ALIVE_AT_MIN = 8 * 60
"""Minute of the day of the message "I am alive" where the file names none."""
DAY_MIN = 24 * 60
_KEYS = ("people", "quiet_hours", "alive_at", "timezone", "language")
_PERSON_KEYS = ("name", "paths", "language")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_NAMED = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|key:[^/\s]+/\S+")
Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class NotifyPath:
    """One way to reach a person; ``text`` is secret unless it only names where the secret is."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        """Return what may be shown: the kind of path, or the name of the secret."""
        return self.text if _NAMED.fullmatch(self.text) else self.text.partition("://")[0] + "://…"

    def resolve(self, environment: Mapping[str, str] | None = None) -> str:
        """Return the address itself. Raises: UserInputError saying which name holds nothing."""
        kind, _, name = self.text.partition(":")
        if not _NAMED.fullmatch(self.text):
            return self.text
        if kind == "env":
            found = (os.environ if environment is None else environment).get(name, "")
        else:
            service, _, user = name.partition("/")
            found = _from_key_store(service, user)
        if not _ADDRESS.fullmatch(found.strip()):
            raise UserInputError(
                f"{self.text} holds no address such as ntfys://…; set it and start the station again."
            )
        return found.strip()


def _from_key_store(service: str, user: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise UserInputError(
            f"key:{service}/{user} needs the package 'keyring'. Install it, or use env:NAME instead."
        ) from error
    return str(keyring.get_password(service, user) or "")


@dataclass(frozen=True, slots=True)
class NotifyPerson:
    """A person who is told; ``paths`` are tried in order until one works (F45)."""

    name: str
    paths: tuple[NotifyPath, ...]
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Who is told: the first person at once, the next when nobody has acknowledged.

    ``quiet_min`` are the minutes of the local day between which only CRITICAL alarms are sent; the first may be the
    larger one (over midnight). ``alive_at_min`` None sends no daily message.
    """

    people: tuple[NotifyPerson, ...] = ()
    quiet_min: tuple[int, int] | None = None
    alive_at_min: int | None = ALIVE_AT_MIN
    timezone: str = "UTC"

    def local(self, utc: datetime) -> datetime:
        """Return a moment as the clock on the wall of the lab shows it."""
        return utc.astimezone(ZoneInfo(self.timezone))

    def quiet_left_s(self, utc: datetime) -> float:
        """Return for how many seconds of wall time quiet hours still last, 0 outside of them."""
        if self.quiet_min is None:
            return 0.0
        begin_min, end_min = self.quiet_min
        inside_min = (end_min - begin_min) % DAY_MIN
        now = self.local(utc)
        passed_s = ((now.hour * 60 + now.minute - begin_min) % DAY_MIN) * 60.0 + now.second
        return max(0.0, inside_min * 60.0 - passed_s)

    def alive_in_s(self, utc: datetime) -> float | None:
        """Return the seconds until the next daily message is due, None for never."""
        if self.alive_at_min is None or not self.people:
            return None
        now = self.local(utc)
        wait_s = (self.alive_at_min * 60.0 - (now.hour * 3600.0 + now.minute * 60.0 + now.second)) % 86_400.0
        return wait_s or 86_400.0


def read_notify(node: Node | None, source: str) -> NotifySettings:
    """Read the section. Raises: UserFileError with line and column; it never repeats an address."""
    if node is None:
        return NotifySettings()
    fields = Fields(node, source, "'notify'", _KEYS)
    language = _language(fields.get("language"), source, "en")
    zone = _text(fields.get("timezone"), source, "'timezone'", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise refusal(
            source,
            fields.get("timezone"),
            f"there is no time zone '{zone}'.",
            "Write for example Europe/Zurich.",
        ) from error
    people = tuple(
        _person(item, source, language) for item in _items(fields.get("people"), source, "people", PEOPLE_MAX)
    )
    names = [person.name for person in people]
    if len(set(names)) < len(names):
        raise refusal(source, fields.get("people"), "a name is there twice.", "Give each person one entry.")
    return NotifySettings(
        people=people,
        quiet_min=_window(fields.get("quiet_hours"), source),
        alive_at_min=_alive(fields.get("alive_at"), source),
        timezone=zone,
    )


def _person(node: Node, source: str, language: Language) -> NotifyPerson:
    fields = Fields(node, source, "a person of 'notify'", _PERSON_KEYS)
    name = _text(fields.need("name", "Ann"), source, "'name'", "")
    paths_node = fields.need("paths", "[env:LABCTL_NOTIFY_ANN]")
    paths: list[NotifyPath] = []
    for item in _items(paths_node, source, "paths", PATHS_MAX):
        text = _text(item, source, "a path", "")
        if not _ADDRESS.fullmatch(text) and not _NAMED.fullmatch(text):
            raise refusal(
                source, item, "this is no address and names none.",
                "Write an Apprise address such as ntfys://…, or env:NAME, or key:SERVICE/NAME.",
            )  # fmt: skip
        paths.append(NotifyPath(text))
    if not paths:
        raise refusal(source, paths_node, f"{name} has no path.", "Name at least one, better two.")
    return NotifyPerson(name, tuple(paths), _language(fields.get("language"), source, language))


def _text(node: Node | None, source: str, what: str, default: str) -> str:
    if node is None:
        return default
    if not isinstance(node, Scalar) or not node.text.strip():
        raise refusal(source, node, f"{what} must be a single value.", "Write it behind the ':'.")
    return node.text.strip()


def _items(node: Node | None, source: str, what: str, most: int) -> tuple[Node, ...]:
    if node is None:
        return ()
    if not isinstance(node, Sequence) or len(node.items) > most:
        raise refusal(
            source, node, f"'{what}' must be a list of up to {most}.", "Begin each entry with '- '."
        )
    return node.items


def _language(node: Node | None, source: str, default: Language) -> Language:
    text = _text(node, source, "'language'", default)
    if text == "en":
        return "en"
    if text == "zh":
        return "zh"
    raise refusal(source, node, f"there are no messages in '{text}'.", "Write en or zh.")


def _minute(text: str) -> int | None:
    found = _TIME.fullmatch(text.strip())
    return None if found is None else int(found[1]) * 60 + int(found[2])


def _bad_time(node: Node | None, source: str, what: str, example: str) -> UserFileError:
    return refusal(source, node, f"{what} is no time of day.", f"Write for example {example}.")


def _window(node: Node | None, source: str) -> tuple[int, int] | None:
    if node is None:
        return None
    begin, _, end = _text(node, source, "'quiet_hours'", "").partition("-")
    begin_min, end_min = _minute(begin), _minute(end)
    if begin_min is None or end_min is None or begin_min == end_min:
        raise _bad_time(node, source, "'quiet_hours'", "22:00-07:00")
    return begin_min, end_min


def _alive(node: Node | None, source: str) -> int | None:
    if node is None:
        return ALIVE_AT_MIN
    text = _text(node, source, "'alive_at'", "")
    if text == "off":
        return None
    minute = _minute(text)
    if minute is None:
        raise _bad_time(node, source, "'alive_at'", "08:00, or off")
    return minute
