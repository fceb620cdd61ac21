"""What an instrument's task owes a run at a moment: a poll, a stop, a start. Pure questions about one run."""

from __future__ import annotations

from labctl.engine.machines.life import Phase
from labctl.engine.run import Run

URGENT = frozenset({Phase.RUNNING, Phase.STALE, Phase.UNKNOWN, Phase.PAUSED})


def is_polled(run: Run) -> bool:
    """Tell whether a run has a device test to ask for; one that waits between two segments, or is away, has none."""
    return run.on_device and not run.at_boundary and not run.is_away


def ends_from_outside(run: Run) -> bool:
    """Tell whether a person or the chamber wants a running test ended: that waits for no poll (I05)."""
    decided = run.decision is not None and run.decision.sequence is None
    return decided and run.on_device and run.phase in URGENT


def waits_to_start(run: Run) -> bool:
    """Tell whether a run is ready, or will be at ``ready_s``, and nothing of its program has begun."""
    fresh = run.test_id is None and not run.is_away and not run.at_boundary
    return run.ready_s is not None and fresh and not run.over


def ends_at_rest(run: Run) -> bool:
    """Tell whether a run has been told to end before it began, or between two segments."""
    at_rest = run.test_id is None or run.at_boundary
    return run.decision is not None and at_rest and not run.over and not run.is_away
