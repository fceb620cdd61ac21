"""Every command of the window with its keys, found by a few letters (Ctrl+K); and the one key map (section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from labctl.gui.viewmodels.words import mark, tr


class Where(StrEnum):
    """Where a key acts. Single letters act in plots and in the alarm list only."""

    EVERYWHERE = "everywhere"
    GRID = "grid"
    PLOT = "plot"
    ALARMS = "alarms"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the key map; ``keys`` as Qt writes them. ``hardware``: it changes what an instrument does."""

    id: str
    keys: tuple[str, ...]
    title: str
    where: Where = Where.EVERYWHERE
    hardware: bool = False

    @property
    def told(self) -> str:
        """Return the title in the window's language."""
        return tr("keys", self.title)


KEYS: tuple[Key, ...] = (
    Key("stop_all", ("Ctrl+Shift+F12",), mark("keys", "Stop all outputs"), hardware=True),
    Key("help", ("F1",), mark("keys", "Help for this view")),
    Key("edit", ("F2",), mark("keys", "Edit cell, rename"), Where.TABLE),
    Key("start", ("F5",), mark("keys", "Start selected..."), hardware=True),
    Key("pause_at_step_end", ("F6",), mark("keys", "Pause at step end"), hardware=True),
    Key("pause", ("Shift+F6",), mark("keys", "Pause now"), hardware=True),
    Key("resume", ("Ctrl+F6",), mark("keys", "Continue"), hardware=True),
    Key("check", ("F7",), mark("keys", "Check protocol")),
    Key("simulate", ("F8",), mark("keys", "Simulate")),
    Key("stop", ("Ctrl+F8",), mark("keys", "Stop selected"), hardware=True),
    *(Key(f"view_{n}", (f"Ctrl+{n}",), mark("keys", "Go to view")) for n in range(1, 10)),
    Key("search", ("Ctrl+F", "/"), mark("keys", "Search, filter")),
    Key("palette", ("Ctrl+K",), mark("keys", "Command palette")),
    Key("select", ("Space",), mark("keys", "Select"), Where.GRID),
    Key("open", ("Return",), mark("keys", "Open detail"), Where.GRID),
    Key("back", ("Alt+Left",), mark("keys", "Back")),
    Key("forward", ("Alt+Right",), mark("keys", "Forward")),
    Key("undo", ("Ctrl+Z",), mark("keys", "Undo")),
    Key("redo", ("Ctrl+Y",), mark("keys", "Redo")),
    Key("acknowledge", ("A",), mark("keys", "Acknowledge"), Where.ALARMS),
    Key("acknowledge_comment", ("Shift+A",), mark("keys", "Acknowledge with comment..."), Where.ALARMS),
    Key("shelve", ("S",), mark("keys", "Shelve..."), Where.ALARMS),
    Key("log_y", ("L",), mark("keys", "Logarithmic y"), Where.PLOT),
    Key("log_x", ("X",), mark("keys", "Logarithmic x"), Where.PLOT),
    Key("fit", ("F", "0"), mark("keys", "Fit"), Where.PLOT),
    Key("follow", ("R",), mark("keys", "Follow live"), Where.PLOT),
    Key("cursors", ("C",), mark("keys", "Cursors A and B"), Where.PLOT),
    Key("overlay", ("V",), mark("keys", "Overlay list..."), Where.PLOT),
    Key("zoom_in", ("+",), mark("keys", "Zoom in"), Where.PLOT),
    Key("zoom_out", ("-",), mark("keys", "Zoom out"), Where.PLOT),
    Key("export", ("Ctrl+E",), mark("keys", "Export...")),
    Key("larger", ("Ctrl++", "Ctrl+="), mark("keys", "Larger text")),
    Key("smaller", ("Ctrl+-",), mark("keys", "Smaller text")),
    Key("normal_size", ("Ctrl+0",), mark("keys", "Normal text size")),
    Key("settings", ("Ctrl+,",), mark("keys", "Settings")),
    Key("paste", ("Ctrl+V",), mark("keys", "Paste"), Where.TABLE),
    Key("fill_down", ("Ctrl+D",), mark("keys", "Fill down"), Where.TABLE),
    Key("move_up", ("Alt+Up",), mark("keys", "Move up"), Where.TABLE),
    Key("move_down", ("Alt+Down",), mark("keys", "Move down"), Where.TABLE),
)
KEY_OF: dict[str, Key] = {key.id: key for key in KEYS}


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be done by name. ``why_not`` is asked when it is shown: empty = it can be done now.

    ``words`` are further ones to find it by (English and Chinese names, channel, cell).
    """

    id: str
    title: str
    run: Callable[[], None]
    group: str = ""
    keys: tuple[str, ...] = ()
    why_not: Callable[[], str] = field(default=lambda: "", compare=False)
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A command as the palette lists it; ``marks`` are the letters of the title that fitted."""

    command: Command
    score: float
    marks: tuple[int, ...]
    why_not: str


class Palette:
    """The commands there are, the last used first."""

    def __init__(self) -> None:
        self._sources: list[Callable[[], Iterable[Command]]] = []
        self._used: list[str] = []

    def add(self, source: Callable[[], Iterable[Command]]) -> Callable[[], None]:
        """Take commands from a view: asked each time the palette opens; returns the undo of it."""
        self._sources.append(source)
        return lambda: self._sources.remove(source) if source in self._sources else None

    def find(self, text: str, limit: int = 50) -> tuple[Found, ...]:
        """Return the commands that fit, best first; without a text those used last, then all in their order."""
        found: list[Found] = []
        for source in self._sources:
            for command in source():
                hit = fuzzy(text, command.title)
                score, marks = (0.0, ()) if hit is None else hit
                if hit is None:
                    others = [other for word in command.words if (other := fuzzy(text, word)) is not None]
                    if not others:
                        continue
                    score = max(other[0] for other in others) * 0.8
                found.append(Found(command, score + self._recent(command.id), marks, command.why_not()))
        return tuple(sorted(found, key=lambda hit: (-hit.score, bool(hit.why_not)))[:limit])

    def _recent(self, command_id: str) -> float:
        return 0.0 if command_id not in self._used else 0.5 / (1 + self._used.index(command_id))

    def run(self, found: Found) -> str:
        """Run a command; returns why it cannot be, empty when it was."""
        why = found.command.why_not()
        if not why:
            self._used = [found.command.id, *(name for name in self._used if name != found.command.id)][:20]
            found.command.run()
        return why


def fuzzy(text: str, title: str) -> tuple[float, tuple[int, ...]] | None:
    """Return how well the letters of a text are in a title, in order, and where; None where they are not.

    Begins of words and letters that follow each other count more, so that ``pse`` finds *Pause at step end*.
    """
    wanted = "".join(text.lower().split())
    if not wanted:
        return 0.0, ()
    lower = title.lower()
    best = _placed(wanted, lower, starts_only=True) or _placed(wanted, lower, starts_only=False)
    if best is None:
        return None
    score = 0.0
    for place, at in enumerate(best):
        begin = at == 0 or not lower[at - 1].isalnum()
        follows = place > 0 and best[place - 1] == at - 1
        score += 1.0 + (1.0 if begin else 0.0) + (1.0 if follows else 0.0)
    return score / len(wanted) - 0.01 * len(title) / 10.0, tuple(best)


def _placed(wanted: str, title: str, *, starts_only: bool) -> list[int] | None:
    """Return places of the letters in order; ``starts_only``: each at a word's begin or right behind the one before."""
    places: list[int] = []
    at = 0
    for letter in wanted:
        while True:
            at = title.find(letter, at)
            if at < 0:
                return None
            begin = at == 0 or not title[at - 1].isalnum()
            if not starts_only or begin or (places and places[-1] == at - 1):
                break
            at += 1
        places.append(at)
        at += 1
    return places


def clashes(keys: Sequence[Key] = KEYS) -> list[str]:
    """Return keys that mean two things in one place; an empty list is the rule."""
    found = []
    for index, one in enumerate(keys):
        for other in keys[index + 1 :]:
            both = one.where is other.where or Where.EVERYWHERE in (one.where, other.where)
            for key in set(one.keys) & set(other.keys) if both else ():
                found.append(f"{key}: {one.id} and {other.id}")
    return found
