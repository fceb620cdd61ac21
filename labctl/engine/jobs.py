"""What goes into the engine and what comes out: jobs, progress, results, and the signal to leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from labctl.engine.machines.findings import Finding, Outcome
from labctl.engine.machines.life import Phase
from labctl.model.bench import NO_STEP, NOBODY, Holding, StepNow
from labctl.model.cell import Cell
from labctl.model.ids import ChannelId, RunId
from labctl.model.program import Program


@dataclass(frozen=True, slots=True)
class Job:
    """One wish: this program for this cell on the program's channel.

    ``overrides`` names start checks that a person has decided to pass over, with the reason
    (``{"ocv": "cell was rested at 60 degC"}``); each goes into the journal. ``temperature`` starts without waiting
    for the chamber, whatever it is at: nothing is set, and its distance from the set point trips nothing.
    """

    program: Program
    cell: Cell
    protocol_text: str = ""
    operator: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    """What the asker wants to find again in ``run.json``, for example the queue's job id; the engine ignores it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How one run stands, for a person to look at; sent at each poll and change of phase.

    ``voltage_V`` and ``current_A`` are of the last record, NaN before the first. ``eta_s`` is plant time
    until the expected end, NaN where nobody can say.
    """

    run_id: RunId
    index: int
    channel: ChannelId
    cell: str
    protocol: str
    phase: Phase
    cycle: int
    cycles: int
    voltage_V: float
    current_A: float
    sentence: str
    rows: int
    test_time_s: float
    eta_s: float
    plant_s: float
    note: str = ""
    step: StepNow = NO_STEP
    hold: Holding = NOBODY


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run stands when the engine returns.

    ``outcome`` is ``None`` for a run that goes on without us (``state`` is then not ``ended``): detached,
    or its data could not be stored; ``reason`` says which.
    """

    run_id: RunId
    index: int
    channel: ChannelId
    cell: str
    state: str
    outcome: Outcome | None
    reason: str
    end_sequence: int | None
    rows: int
    test_time_s: float
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the run ended as a protocol may end it."""
        return self.outcome in (
            Outcome.FINISHED,
            Outcome.SHORT,
            Outcome.DEAD,
            Outcome.PROTECT,
            Outcome.STOPPED,
        )


Observer = Callable[[Progress], None]


class StopSignal:
    """Lets another part of the program say *detach* or *stop*; safe from signal handlers and threads."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: list[asyncio.Event] = []
        self.detached = False
        self.stop_reason: str | None = None

    def attach(self, event: asyncio.Event) -> None:
        """Wake ``event`` at each signal; called from the event loop."""
        self._loop = asyncio.get_running_loop()
        self._listeners.append(event)

    def detach(self) -> None:
        """Leave: follow no more, send nothing. Device-driven cells go on; the runs stay ``running``."""
        self.detached = True
        self._wake()

    def stop(self, reason: str) -> None:
        """Stop every run of this engine call, then end."""
        self.stop_reason = reason
        self._wake()

    def _wake(self) -> None:
        if self._loop is None:
            return
        for event in self._listeners:
            self._loop.call_soon_threadsafe(event.set)
