"""Asks the person at the terminal to do something at an attended instrument, and takes Enter for "done"."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.gui import user_name
from labctl.cli.output import say
from labctl.interfaces.potentiostat import PersonAct
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.cli.eisboard import SweepBoard
    from labctl.clock import Clock
    from labctl.interfaces.potentiostat import PersonAsked


class Terminal:
    """Reads lines in a thread of its own: nothing else waits for a person."""

    def __init__(self, clock: Clock, board: SweepBoard) -> None:
        self._worker = Worker("terminal", clock)
        self._board = board
        self._line: asyncio.Future[str] | None = None
        self._told: PersonAsked | None = None

    async def ask(self, asked: PersonAsked) -> str:
        """Tell what to do, wait for Enter, and return the user's name; empty where the input ends without one."""
        if asked != self._told:
            self._told = asked
            say(_request(asked), stderr=True)
            self._board.note("waiting for Enter")
        if self._line is None:  # one that was asked in vain before still waits for the same Enter
            self._line = self._worker.hand_first(_line)
        line = await asyncio.shield(self._line)
        self._line = self._told = None
        if not line:
            say("The input has ended: nobody confirms that here.", stderr=True)
            return ""
        if asked.act is PersonAct.BEGIN:
            say("Waiting for the export. Ctrl-C ends it.", stderr=True)
            self._board.note("waiting for the export")
        return user_name() or "the person at the terminal"


def _line() -> str:
    """Read a line; a lost terminal is an end of the input."""
    try:
        return sys.stdin.readline()
    except OSError:
        return ""


def _request(asked: PersonAsked) -> str:
    """Return what is to be done; the sheet is shown where it is needed, at the begin."""
    lines = ["", f">>  {asked.text}"]
    if asked.sheet and asked.act is PersonAct.BEGIN:
        lines += [f"    The sheet: {asked.sheet}", _shown(Path(asked.sheet))]
    return "\n".join((*lines, ">>  Press Enter when that is done; Ctrl-D says that nobody can."))


def _shown(sheet: Path) -> str:
    try:
        text = sheet.read_text(encoding="utf-8")
    except OSError as error:
        return f"    (the sheet {sheet} cannot be read: {error.strerror})"
    return "\n".join(f"    {line}" for line in text.splitlines() if line and not line.startswith("#"))
