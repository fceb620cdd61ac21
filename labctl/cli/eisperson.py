"""Asks the person at the terminal to do something at an attended instrument, and takes Enter for "done"."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.gui import user_name
from labctl.cli.output import say
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.interfaces.potentiostat import PersonAsked


class Terminal:
    """Reads lines in a thread of its own: nothing else waits for a person."""

    def __init__(self, clock: Clock) -> None:
        self._worker = Worker("terminal", clock)
        self._line: asyncio.Future[str] | None = None

    async def ask(self, asked: PersonAsked) -> str:
        """Tell what to do, wait for Enter, and return the user's name; waits for ever where input has ended."""
        say(asked.text, stderr=True)
        if asked.sheet:
            say(_shown(Path(asked.sheet)), stderr=True)
        say("Press Enter when that is done.", stderr=True)
        if self._line is None:  # one that was asked in vain before still waits for the same Enter
            self._line = self._worker.hand_first(sys.stdin.readline)
        if not await asyncio.shield(self._line):
            say("The input has ended: nobody can confirm here.", stderr=True)
            await asyncio.Event().wait()
        self._line = None
        return user_name() or "the person at the terminal"


def _shown(sheet: Path) -> str:
    try:
        text = sheet.read_text(encoding="utf-8")
    except OSError as error:
        return f"    (the sheet {sheet} cannot be read: {error.strerror})"
    return "\n".join(f"    {line}" for line in text.splitlines() if line and not line.startswith("#"))
