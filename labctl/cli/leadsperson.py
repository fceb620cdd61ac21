"""Asks the person at the terminal to move a cell's leads, in a run that belongs to this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from labctl.cli.gui import user_name
from labctl.cli.output import say
from labctl.engine.listening import ProgressOnly
from labctl.errors import UserInputError
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.engine.jobs import Observer
    from labctl.engine.spectra import AsksForSpectra
    from labctl.model.handover import HandoverStatus

T = TypeVar("T")
HOW = "Enter when that is done; a reason accepts a voltage that does not fit; 'skip REASON' gives the spectrum up."


class LeadsPerson(ProgressOnly):
    """Hears the engine, asks at the terminal, tells the engine what was done. ``serve`` beside the runs."""

    def __init__(self, observer: Observer, clock: Clock) -> None:
        super().__init__(observer)
        self._worker = Worker("terminal", clock)
        self._engine: AsksForSpectra | None = None
        self._asked: dict[str, HandoverStatus] = {}
        self._some = asyncio.Event()

    def meet(self, engine: AsksForSpectra) -> None:
        """Take who answers for the cells on their way."""
        self._engine = engine

    def handover(self, status: HandoverStatus | None, run_id: str) -> None:
        """Hear where a cell is on its way."""
        if status is None or not status.asked:
            self._asked.pop(run_id, None)
        else:
            self._asked[run_id] = status
            self._some.set()

    async def serve(self) -> None:
        """Ask for one cell after the other until cancelled, or until the input ends."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._asked:
                status = next(iter(self._asked.values()))
                line = await self._line(status)
                if not line:
                    say("The input has ended: nobody confirms that here. Ctrl-C detaches.", stderr=True)
                    return
                await self._done(status, line.strip())

    async def _line(self, status: HandoverStatus) -> str:
        trouble = f"    {status.trouble}\n" if status.trouble else ""
        say(f"\n>>  {status.text}\n{trouble}>>  {HOW}", stderr=True)
        return await self._worker.call_first(_typed)

    async def _done(self, status: HandoverStatus, words: str) -> None:
        """Tell the engine. What was typed too late, because the run was stopped meanwhile, is told and forgotten."""
        assert self._engine is not None
        self._asked.pop(status.run_id, None)
        first, _, rest = words.partition(" ")
        by = user_name() or "the person at the terminal"
        try:
            if first == "skip":
                await self._engine.skip_spectrum(status.run_id, by, rest or "given up at the terminal")
            else:
                await self._engine.confirm_handover(status.run_id, by, words)
        except UserInputError as error:
            say(str(error), stderr=True)
            still = [one for one in self._engine.handovers() if one.run_id == status.run_id and one.asked]
            self._asked.update({one.run_id: one for one in still})


async def beside(person: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
    """Return what work gives, with a person beside it for as long. Raises what the work raises."""
    failure: Exception | None = None
    done: list[T] = []
    async with asyncio.TaskGroup() as group:
        at_terminal = group.create_task(person)
        try:
            done.append(await work)
        except Exception as error:  # raised in here it would come out as a group
            failure = error
        finally:
            at_terminal.cancel()
    if failure is not None:
        raise failure
    return done[0]


def _typed() -> str:
    """Read a line; empty where the input has ended, or the terminal is lost."""
    try:
        return sys.stdin.readline()
    except OSError:
        return ""
