"""What every verb that follows runs shares: the first Ctrl-C detaches, the catalogue is current, the end
is told.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.output import emit_json, say
from labctl.cli.progress import RunBoard, duration

if TYPE_CHECKING:
    import argparse

    from labctl.engine.jobs import RunResult, StopSignal
    from labctl.store.root import DataRoot


@contextmanager
def detach_on_interrupt(stop: StopSignal) -> Iterator[None]:
    """Let the first Ctrl-C detach and the second one interrupt."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if stop.detached:
            raise KeyboardInterrupt
        stop.detach()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def note_runs(root: DataRoot, results: Sequence[RunResult]) -> None:
    """Bring the catalogue up to date with the runs' manifests."""
    from labctl.store.catalogue import Catalogue
    from labctl.store.runreader import RunReader

    with Catalogue(root) as catalogue:
        for result in results:
            catalogue.runs.upsert(RunReader(root.run_folder(result.run_id)).manifest)


def tell_results(
    root: DataRoot, results: Sequence[RunResult], args: argparse.Namespace, *, detached: bool
) -> int:
    """Print how the runs stand; exit 0 when each ended as a protocol may end it, or goes on after a
    detach.
    """
    if args.json:
        emit_json([_plain(root, result) for result in results])
    else:
        for result in results:
            state = result.outcome.value if result.outcome else result.state
            reason = f", {result.reason}" if result.reason else ""
            say(
                f"{result.run_id}: {state}{reason}; {result.rows:,} rows, {duration(result.test_time_s)} of test time"
            )
            say(f"    {root.run_folder(result.run_id)}")
    if detached:
        for line in _left_behind(results):
            say(line, stderr=args.json)
    fine = all(result.ok or (detached and result.state != "ended") for result in results)
    return EXIT_OK if fine else EXIT_FAILED


def _left_behind(results: Sequence[RunResult]) -> list[str]:
    """Say how the runs that are not over stand now, and how to go on with them."""
    waiting = [str(result.run_id) for result in results if result.state == "prepared"]
    going_on = [str(result.run_id) for result in results if result.state not in ("prepared", "ended")]
    lines = []
    if going_on:
        lines.append(
            f"Detached: the cycler goes on by itself with {', '.join(going_on)}. 'labctl runs resume' follows again, "
            f"'labctl runs stop {going_on[0]}' stops it."
        )
    if waiting:
        lines.append(
            f"Not started yet: {', '.join(waiting)}. Nothing runs on the channel; 'labctl runs resume {waiting[0]}' "
            "starts it."
        )
    return lines


@contextmanager
def told_how_to_go_on(board: RunBoard) -> Iterator[None]:
    """Where following breaks off (bench gone, disk full), add how to take the runs up again."""
    try:
        yield
    except Exception:
        if board.run_ids():
            left = " ".join(board.run_ids())
            say(
                f"What was acknowledged is stored. When the cause is mended: labctl runs resume {left}",
                stderr=True,
            )
        raise


def _plain(root: DataRoot, result: RunResult) -> dict[str, Any]:
    return {
        "run_id": result.run_id,
        "channel": result.channel,
        "cell": result.cell,
        "state": result.state,
        "outcome": result.outcome.value if result.outcome else None,
        "reason": result.reason,
        "end_sequence": result.end_sequence,
        "rows": result.rows,
        "test_time_second": result.test_time_s,
        "folder": str(root.run_folder(result.run_id)),
    }
