"""The one key map of the window (operator-gui.md 7): what each key does, and where. Commands are in ``commands``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def clashes(keys: Sequence[Key] = KEYS) -> list[str]:
    """Return keys that mean two things in one place; an empty list is the rule."""
    found = []
    for index, one in enumerate(keys):
        for other in keys[index + 1 :]:
            both = one.where is other.where or Where.EVERYWHERE in (one.where, other.where)
            for key in set(one.keys) & set(other.keys) if both else ():
                found.append(f"{key}: {one.id} and {other.id}")
    return found
