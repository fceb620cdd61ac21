"""The life of a run as a table: phases, legal transitions, and what each is called in ``run.json``.

The table is the truth; nothing else changes a phase. Stop, detach and hold differ by what they promise:
*stop* sends the stop command and reads it back; *detach* is no transition at all (this process leaves, the
device goes on, the run stays ``running``); *held* sends nothing more until a person has looked.
"""

from __future__ import annotations

from enum import StrEnum

from labctl.errors import InvariantError


class Phase(StrEnum):
    """Where a run stands."""

    PREPARED = "prepared"  # folder written, nothing sent
    WAITING = "waiting"  # for the chamber, or for another cell in it
    STARTING = "starting"  # start intent journalled, answer not yet believed
    RUNNING = "running"  # the device follows the segment, rows come in
    PAUSED = "paused"  # the device holds the step, nothing flows; it goes on when told
    STALE = "stale"  # link lost; the device goes on by itself
    UNKNOWN = "unknown"  # link lost for longer than I10 allows
    DECIDING = "deciding"  # segment over, host decides, cell rests at open circuit
    AWAY = "at potentiostat"  # the cell waits for, is at, or comes back from a potentiostat; the cycler drives nothing
    HELD = "held"  # disagreement: nothing is sent until a person has looked
    STOPPING = "stopping"  # stop intent journalled, read-back pending
    DRAINING = "draining"  # device over, last rows and log are fetched, files sealed
    ENDED = "ended"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.PREPARED: frozenset({Phase.WAITING, Phase.STARTING, Phase.AWAY, Phase.HELD, Phase.ENDED}),
    Phase.WAITING: frozenset({Phase.STARTING, Phase.AWAY, Phase.HELD, Phase.ENDED}),
    Phase.STARTING: frozenset(
        {Phase.RUNNING, Phase.UNKNOWN, Phase.HELD, Phase.STOPPING, Phase.DRAINING, Phase.ENDED}
    ),
    Phase.RUNNING: frozenset(
        {Phase.PAUSED, Phase.STALE, Phase.DECIDING, Phase.HELD, Phase.STOPPING, Phase.DRAINING}
    ),
    Phase.PAUSED: frozenset({Phase.RUNNING, Phase.STALE, Phase.HELD, Phase.STOPPING, Phase.DRAINING}),
    Phase.STALE: frozenset({Phase.RUNNING, Phase.UNKNOWN, Phase.HELD, Phase.STOPPING}),
    Phase.UNKNOWN: frozenset({Phase.RUNNING, Phase.STARTING, Phase.HELD, Phase.STOPPING, Phase.DRAINING}),
    Phase.DECIDING: frozenset({Phase.STARTING, Phase.AWAY, Phase.HELD, Phase.STOPPING, Phase.DRAINING}),
    Phase.AWAY: frozenset({Phase.DECIDING, Phase.HELD, Phase.DRAINING}),
    Phase.HELD: frozenset({Phase.STOPPING, Phase.DRAINING, Phase.ENDED}),
    Phase.STOPPING: frozenset({Phase.DRAINING, Phase.HELD}),
    Phase.DRAINING: frozenset({Phase.ENDED}),
    Phase.ENDED: frozenset(),
}

MANIFEST_STATE: dict[Phase, str] = {
    Phase.PREPARED: "prepared",
    Phase.WAITING: "prepared",
    Phase.STARTING: "starting",
    Phase.RUNNING: "running",
    Phase.PAUSED: "running",
    Phase.STALE: "running",
    Phase.UNKNOWN: "running",
    Phase.DECIDING: "running",
    Phase.AWAY: "running",
    Phase.HELD: "running",
    Phase.STOPPING: "stopping",
    Phase.DRAINING: "stopping",
    Phase.ENDED: "ended",
}

MAY_ENERGISE = frozenset({Phase.PREPARED, Phase.WAITING, Phase.DECIDING, Phase.UNKNOWN, Phase.STARTING})
"""Phases in which a start command may leave; from any other it is a bug (I05, I09)."""


class Life:
    """Holds one run's phase and refuses what the table does not allow."""

    __slots__ = ("_phase",)

    def __init__(self, phase: Phase = Phase.PREPARED) -> None:
        self._phase = phase

    @property
    def phase(self) -> Phase:
        """Return the present phase."""
        return self._phase

    @property
    def manifest_state(self) -> str:
        """Return the word for ``run.json``."""
        return MANIFEST_STATE[self._phase]

    def to(self, phase: Phase) -> tuple[Phase, Phase] | None:
        """Move to ``phase`` and return (old, new), or ``None`` where it already stands there.

        Raises: InvariantError I16 for a transition that is not in the table; the phase is left as it was.
        """
        old = self._phase
        if phase is old:
            return None
        if phase not in TRANSITIONS[old]:
            raise InvariantError("I16", f"a run cannot go from {old} to {phase}")
        self._phase = phase
        return old, phase
