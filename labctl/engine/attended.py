"""One spectrum that a person attends, without a station: open, refuse or measure, end it when told.

Whatever happens, the cell is switched off before ``take`` returns, and what is sure about it is said: where a
measurement has left that open, the instrument is connected anew once, which begins with an abort and a cell-off that is
read back. Nothing that energises is ever tried twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import reduce

from labctl.errors import InstrumentError, UnknownStateError, UsageError
from labctl.interfaces.potentiostat import (
    AttendedMeasurement,
    Measurement,
    PersonAsked,
    Potentiostat,
    PotentiostatIdentity,
)
from labctl.model.spectrum import Spectrum
from labctl.model.technique import Geis, Peis

log = logging.getLogger(__name__)

Ask = Callable[[PersonAsked], Awaitable[str]]
"""Asks a person and returns the name of who has done it, empty where nobody can say so.

Cancelled when something else is asked meanwhile. Where a stop was not confirmed in time it is asked once more.
"""

Show = Callable[[Measurement, Spectrum], None]
"""Takes the measurement and its newest points; called between points, so it must be cheap and must not raise."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What came of it.

    ``refused`` holds a sentence per reason why nothing was measured; ``spectrum`` the points that came, None where none
    did, ``expected`` how many there should be. ``error`` is what went wrong; an UnknownStateError there means that
    nobody knows whether the cell is off. ``attended`` says that people tell so, and that nothing was read back.
    """

    identity: PotentiostatIdentity
    refused: tuple[str, ...] = ()
    spectrum: Spectrum | None = None
    expected: int = 0
    told_to_end: bool = False
    error: InstrumentError | None = None
    attended: bool = False

    @property
    def points(self) -> int:
        """Return how many points came."""
        return 0 if self.spectrum is None else len(self.spectrum)

    @property
    def is_whole(self) -> bool:
        """Tell whether every point came and nothing went wrong."""
        return self.error is None and 0 < self.expected == self.points


async def take(
    potentiostat: Potentiostat,
    technique: Peis | Geis,
    leave: asyncio.Event,
    show: Show,
    *,
    check_only: bool = False,
    ask: Ask | None = None,
) -> Taken:
    """Take a spectrum; ``check_only`` asks for refusals and energises nothing. ``leave`` ends it early.

    ``ask`` is for instruments at which a person has a part: without it nobody answers them.

    Raises: InstrumentError where the instrument cannot be opened, UnknownStateError where its cell is on then.
    """
    try:
        identity = await potentiostat.open()
        taken = Taken(identity, attended=potentiostat.capabilities().attended)
        taken = replace(taken, refused=potentiostat.refusals(technique), expected=technique.sweep.points)
        if taken.refused or check_only or leave.is_set():
            return replace(taken, told_to_end=leave.is_set())
        return await measured(potentiostat, technique, leave, show, taken, ask)
    finally:
        await potentiostat.close()


async def measured(
    potentiostat: Potentiostat,
    technique: Peis | Geis,
    leave: asyncio.Event,
    show: Show,
    taken: Taken,
    ask: Ask | None = None,
) -> Taken:
    """Measure with an open potentiostat; ``taken`` says who it is and how many points there should be.

    The cell is off when this returns, or the result's error is an UnknownStateError.
    """
    try:
        measurement = await _begun(potentiostat, technique, leave)
    except UsageError as error:
        # some limits can be judged only once the open circuit has been measured; the cell was never on
        return replace(taken, refused=(error.problem,))
    except InstrumentError as error:
        return replace(taken, error=await _made_sure(potentiostat, error))
    if measurement is None:
        return replace(taken, told_to_end=True, error=await _found_off(potentiostat))
    blocks: list[Spectrum] = []
    failure: InstrumentError | None = None
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_abort_when_told(leave, measurement))
        person = group.create_task(_answered(measurement, ask, leave))
        try:
            async for block in measurement.blocks():
                assert isinstance(block, Spectrum)
                blocks.append(block)
                show(measurement, block)
        except InstrumentError as error:
            failure = error
        finally:
            watch.cancel()
            person.cancel()
    if failure is not None:
        failure = await _seen_to(measurement, ask, failure, leave)
    if failure is not None:
        failure = await _made_sure(potentiostat, failure)
    taken = replace(taken, told_to_end=leave.is_set(), error=failure)
    if not blocks:
        return taken
    return replace(taken, spectrum=replace(reduce(Spectrum.then, blocks), head=measurement.head))


async def _begun(
    potentiostat: Potentiostat, technique: Peis | Geis, leave: asyncio.Event
) -> Measurement | None:
    """Return the measurement under way; None where it was told to end before. Raises as ``Potentiostat.measure``."""
    failure: InstrumentError | None = None

    async def begin() -> Measurement | None:
        nonlocal failure
        try:
            return await potentiostat.measure(technique)
        except InstrumentError as error:
            failure = error  # raised in a task it would come out as a group
            return None

    async with asyncio.TaskGroup() as group:
        beginning, told = group.create_task(begin()), group.create_task(leave.wait())
        await asyncio.wait((beginning, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        beginning.cancel()  # the open circuit is measured first: the cell need not be switched on at all
    if failure is not None:
        raise failure
    return None if beginning.cancelled() else beginning.result()


async def _abort_when_told(leave: asyncio.Event, measurement: Measurement) -> None:
    await leave.wait()
    with contextlib.suppress(InstrumentError):  # whoever iterates over the blocks is told the same
        await measurement.abort()


async def _answered(measurement: Measurement, ask: Ask | None, leave: asyncio.Event) -> None:
    """Ask a person whatever an attended measurement asks, and confirm what has been done; end it where nobody can."""
    if ask is None or not isinstance(measurement, AttendedMeasurement):
        return
    asked: PersonAsked | None = None
    while True:
        asked = await measurement.next_asked(asked)
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(_name_of(ask, asked))
            other = group.create_task(measurement.next_asked(asked))
            await asyncio.wait((answer, other), return_when=asyncio.FIRST_COMPLETED)
            answer.cancel()
            other.cancel()
        if answer.cancelled() or measurement.asked is not asked:
            continue
        if by := answer.result():
            measurement.confirm(by)
        else:
            leave.set()


async def _name_of(ask: Ask, asked: PersonAsked) -> str:
    return await ask(asked)


async def _seen_to(
    measurement: Measurement, ask: Ask | None, error: InstrumentError, leave: asyncio.Event
) -> InstrumentError | None:
    """Have a person still confirm that it was stopped; returns the error, less what they have made sure of."""
    if (
        ask is None
        or not isinstance(error, UnknownStateError)
        or not isinstance(measurement, AttendedMeasurement)
    ):
        return error
    if measurement.asked is not None:
        if not (by := await ask(measurement.asked)):
            return error
        measurement.confirm(by)
    if leave.is_set():
        return None
    return InstrumentError(
        f"it broke off ({error.__cause__ or error}); a person has confirmed that the cell is off",
        instrument=error.instrument,
        operation=error.operation,
    )


async def _made_sure(potentiostat: Potentiostat, error: InstrumentError) -> InstrumentError:
    """Return the error; where it left the cell unknown and a new link has found the cell off, one that says that."""
    if not isinstance(error, UnknownStateError) or await _found_off(potentiostat) is not None:
        return error
    why = error.__cause__ or error
    return InstrumentError(
        f"it broke off ({why}); a new link has switched the cell off and read that back",
        instrument=error.instrument,
        operation=error.operation,
    )


async def _found_off(potentiostat: Potentiostat) -> UnknownStateError | None:
    """Connect anew, which switches the cell off and reads that back; returns what stands against that it is off."""
    try:
        await potentiostat.close()
        await potentiostat.open()
    except InstrumentError as error:
        log.error("cell still unknown instrument=%s error=%s", potentiostat.name, error)
        return UnknownStateError(
            f"a new link could not show that the cell is off: {error}", instrument=potentiostat.name
        )
    return None
