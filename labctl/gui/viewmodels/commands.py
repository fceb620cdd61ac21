"""Commands of the window by name: views offer them, a few letters find them, the last used come first (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

KEPT = 20
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Command:
    """An entry of the command palette: what it does, its keys, and why it cannot be done now (empty = it can).

    ``words`` are further ones to find it by (other names, channel, cell).
    """

    text: str
    run: Callable[[], None]
    keys: str = ""
    group: str = ""
    why: str = ""
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what makes it the same command at the next opening."""
        return f"{self.group}/{self.text}"


@dataclass(frozen=True, slots=True)
class Found:
    """A command as the palette lists it; ``marks`` are the letters of its text that fitted."""

    command: Command
    score: float
    marks: tuple[int, ...] = ()


class Palette:
    """Finds commands and remembers which were used."""

    def __init__(self) -> None:
        self._used: list[str] = []

    def find(self, text: str, commands: Sequence[Command], limit: int = SHOWN) -> tuple[Found, ...]:
        """Return the commands that fit, best first; without a text those used last, then all in their order."""
        found = []
        for command in commands:
            hit = self._fit(text, command)
            if hit is not None:
                found.append(Found(command, hit[0] + self._recent(command), hit[1]))
        return tuple(sorted(found, key=lambda hit: (-hit.score, bool(hit.command.why)))[:limit])

    def _fit(self, text: str, command: Command) -> tuple[float, tuple[int, ...]] | None:
        """Return how well a text fits: in the command's own words, else word by word in all that names it."""
        own = fuzzy(text, command.text)
        whole = " ".join((command.group, command.text, *command.words))
        scores = [fuzzy(word, whole) for word in text.split()]
        if own is not None:
            touching = text.strip().casefold() in command.text.casefold()
            return own[0] + (1.0 if touching and text.strip() else 0.0), own[1]
        if not scores or any(score is None for score in scores):
            return None
        return 0.8 * sum(score[0] for score in scores if score is not None) / len(scores), ()

    def _recent(self, command: Command) -> float:
        return 0.0 if command.name not in self._used else 0.5 / (1 + self._used.index(command.name))

    def run(self, command: Command) -> str:
        """Run a command; returns why it cannot be, empty when it was."""
        if not command.why:
            self._used = [command.name, *(name for name in self._used if name != command.name)][:KEPT]
            command.run()
        return command.why


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
