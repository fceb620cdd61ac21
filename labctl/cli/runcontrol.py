"""Act on runs that exist: follow one that another process drives, stop one, go on with those left behind."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.context import root_of, run_named, station_of
from labctl.cli.output import emit_json, say

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.engine.jobs import RunResult
    from labctl.store.root import DataRoot
    from labctl.store.runreader import RunReader

FOLLOW_EVERY_S = 2.0
"""Link seconds between two looks at a run folder; the writer commits about once a second."""
SILENCE_S = 60.0
SILENCE = (
    "Nothing new for {silence_s:.0f} s. If no labctl process follows {run_id} any more, 'labctl runs resume {run_id}' "
    "takes it up; the cycler keeps what it measures."
)


def follow(args: argparse.Namespace) -> int:
    """Tell how a run goes on, from its folder alone, until it has ended; Ctrl-C leaves it alone."""
    from labctl.clock import ClockSpec, run_with_clock

    root = root_of(args)
    run_id = run_named(root, args.run_id)
    root.run_folder(run_id)

    async def main(clock: Clock) -> None:
        told, told_s, warned = "", clock.link.now_s(), False
        while True:
            reader = _reader(root, run_id)
            line, now_s = _status(reader), clock.link.now_s()
            if line != told:
                told, told_s, warned = line, now_s, False
                if not args.json:
                    say(line)
            elif now_s - told_s > SILENCE_S and not warned:
                warned = True
                say(SILENCE.format(run_id=run_id, silence_s=SILENCE_S), stderr=True)
            if reader.manifest.get("state") == "ended":
                return
            await clock.link.sleep(FOLLOW_EVERY_S)

    try:
        run_with_clock(ClockSpec(), main)
    except KeyboardInterrupt:
        say(f"No longer watching; run {run_id} goes on.", stderr=True)
    if args.json:
        reader = _reader(root, run_id)
        emit_json({**reader.manifest, "rows": reader.last_sequence})
    return EXIT_OK


def stop(args: argparse.Namespace) -> int:
    """Stop a run's test over the driver's stop lane and read back."""
    from labctl.clock import run_with_clock
    from labctl.engine.api import open_station, stop_run

    station = station_of(args)
    root = root_of(args, station)
    run_id = run_named(root, args.run_id)

    async def main(clock: Clock) -> bool:
        async with open_station(station.only_instruments(), clock) as opened:
            return await stop_run(opened, root, run_id, reason=args.reason)

    confirmed = run_with_clock(station.clock.as_guest(), main)
    if args.json:
        emit_json({"run_id": run_id, "confirmed": confirmed})
    elif confirmed:
        say(f"Stopped: the instrument says that the test of {run_id} is over.")
        say(f"The process that follows the run ends it; if there is none: labctl runs resume {run_id}")
    else:
        say(f"NOT CONFIRMED: stop was sent for {run_id}, but the instrument does not say that it is over.")
        say("Look at the channel, and switch it off at the instrument if in doubt.")
    return EXIT_OK if confirmed else EXIT_FAILED


def resume(args: argparse.Namespace) -> int:
    """Go on with the named runs, or with all that are not over."""
    from labctl.cli.following import detach_on_interrupt, note_runs, tell_results, told_how_to_go_on
    from labctl.cli.progress import RunBoard
    from labctl.clock import run_with_clock
    from labctl.engine.api import StopSignal, open_station, resume_runs

    station = station_of(args)
    with root_of(args, station).lock("labctl runs resume") as root:
        run_ids = [run_named(root, word) for word in args.run_ids] or _open_runs(root)
        if not run_ids:
            say("No run is left to go on with.", stderr=args.json)
            if args.json:
                emit_json([])
            return EXIT_OK
        signal = StopSignal()
        board = RunBoard(quiet=args.json)

        async def main(clock: Clock) -> list[RunResult]:
            async with open_station(station, clock, wire_root=root) as opened:
                return await resume_runs(opened, root, run_ids, observer=board.show, stop=signal)

        with told_how_to_go_on(board), board, detach_on_interrupt(signal):
            results = run_with_clock(station.clock.spec(), main)
        note_runs(root, results)
        return tell_results(root, results, args, detached=signal.detached)


def _open_runs(root: DataRoot) -> list[str]:
    """Return the ids of all runs that have not ended, oldest first; the folders are the truth, not the
    catalogue.
    """
    from labctl.store.runreader import RunReader

    readers = [(folder.name, RunReader(folder)) for folder in root.run_folders()]
    return [name for name, reader in readers if reader.manifest.get("state") != "ended"]


def _reader(root: DataRoot, run_id: str) -> RunReader:
    from labctl.store.runreader import RunReader

    return RunReader(root.run_folder(run_id))


def _status(reader: RunReader) -> str:
    """Return one line: state, cycle, last voltage and current, rows."""
    manifest = reader.manifest
    last = reader.last_sequence
    outcome = manifest.get("outcome") or ""
    if last == 0:
        return f"{manifest['run_id']}  {manifest.get('state')}  {outcome}  no rows yet"
    row = reader.records(["cycle_count", "voltage_volt", "current_ampere", "test_time_second"], first=last)
    return (
        f"{manifest['run_id']}  {manifest.get('state')}  {outcome}  cycle {int(row['cycle_count'][-1])}  "
        f"{float(row['voltage_volt'][-1]):.4f} V  {float(row['current_ampere'][-1]) * 1e3:.4f} mA  "
        f"{float(row['test_time_second'][-1]) / 3600:.2f} h  {last:,} rows"
    )
