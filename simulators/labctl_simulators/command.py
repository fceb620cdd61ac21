"""Verb ``labctl sim``: serve a virtual bench over real TCP ports until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from labctl.errors import LabctlError, UserInputError
from labctl_simulators.bench import Bench
from labctl_simulators.benchfile import BenchFile, json_schema, read_bench_file
from labctl_simulators.pace import Mode, Pace
from labctl_simulators.server import Serving, serve
from labctl_simulators.state import StateFolder
from labctl_simulators.station import first_line, write_files

NAME = "sim"
HELP = "serve a virtual bench: simulated instruments on real TCP ports"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--bench", metavar="FILE", help="bench file, or the name of a shipped one")
    parser.add_argument("--seed", type=int, help="seed of the bench (default 7, or what the bench file says)")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.FREE.value)
    parser.add_argument(
        "--speed",
        default=None,
        help="free: plant seconds per second (default 1); lockstep: upper bound, or max (default)",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port of the first instrument, 0 for any free one"
    )
    parser.add_argument("--state", metavar="DIR", help="keep commands here: the bench survives a SIGKILL")
    parser.add_argument(
        "--end-with-stdin",
        action="store_true",
        help="end too when standard input ends: with the parent process",
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of bench files and end")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; returns 0."""
    if args.schema:
        sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    if not 0 <= args.port <= 65535:
        raise UserInputError(f"--port {args.port} is not 0 to 65535.")
    mode = Mode(args.mode)
    speed = _speed(args.speed, mode)
    with ExitStack() as stack:
        state, folder = None, None
        if args.state is not None:
            state = StateFolder(Path(args.state).resolve())
            stack.callback(state.close)
            folder = state.path
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="labctl-sim-")))
        bench = _bench(args, state, mode)
        bench.speed = speed
        asyncio.run(_serve(args, bench, Pace(bench, mode, speed), state, folder))
    return 0


def _speed(text: str | None, mode: Mode) -> float | None:
    if text is None:
        return 1.0 if mode is Mode.FREE else None
    if text == "max":
        if mode is Mode.FREE:
            raise UserInputError("--speed max goes with --mode lockstep; mode free follows the wall.")
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 < speed <= 1e7:
        raise UserInputError(f"--speed {text} is not max and not a number above 0.")
    return speed


def _bench(args: argparse.Namespace, state: StateFolder | None, mode: Mode) -> Bench:
    """Make the bench, or bring the one of the state folder back to where it stood."""
    known = None if state is None else state.bench()
    if known is None:
        file = read_bench_file(args.bench or "default")
        bench = Bench(file, seed=args.seed, mode=mode.value)
        if state is not None:
            state.create(
                {"text": file.text, "source": file.source, "seed": bench.seed, "folder": _folder(file)}
            )
            bench.sink = state
        return bench
    assert state is not None
    if args.seed is not None and args.seed != known["seed"]:
        raise UserInputError(
            f"The bench in {state.path} has seed {known['seed']}, not {args.seed}. "
            "Leave --seed out, or take a fresh state folder."
        )
    folder = None if known["folder"] is None else Path(known["folder"])
    bench = Bench(BenchFile(known["text"], known["source"], folder), seed=known["seed"], mode=mode.value)
    for entry in state.entries():
        bench.replay(entry)
    bench.sink = state
    bench.lose_power()
    bench.note({"do": "restart"})
    return bench


def _folder(file: BenchFile) -> str | None:
    return None if file.folder is None else str(file.folder)


async def _serve(
    args: argparse.Namespace, bench: Bench, pace: Pace, state: StateFolder | None, folder: Path
) -> None:
    serving = await _listen(args, bench, pace, state)
    write_files(bench, pace, serving, folder)
    ended = asyncio.Event()
    restore = _on_signals(ended)
    if args.end_with_stdin:
        _on_stdin_end(ended)
    _announce(first_line(bench, pace, serving, folder), as_json=bool(getattr(args, "json", False)))
    try:
        await ended.wait()
    finally:
        restore()
        if state is not None:
            bench.note({"do": "grant"})
        await serving.close()


async def _listen(args: argparse.Namespace, bench: Bench, pace: Pace, state: StateFolder | None) -> Serving:
    """Serve on the wanted port, else on the ports of the last time, else on any."""
    first = next(iter(bench.parts.installations), "")
    kept = {} if state is None else state.ports()
    wanted = {**kept, **({first: args.port} if args.port else {})}
    try:
        serving = await serve(bench, pace, wanted)
    except LabctlError:
        if not kept:
            raise
        serving = await serve(bench, pace, {first: args.port})
    if state is not None:
        state.keep_ports(serving.ports)
    return serving


def _on_stdin_end(ended: asyncio.Event) -> None:
    """Set the event when nobody holds the other end of standard input any more, whatever ended the parent."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        # The raw descriptor: a reader blocked in a buffered stream would hold its lock at the interpreter's end.
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended for another reason
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()


def _on_signals(ended: asyncio.Event) -> Callable[[], None]:
    """Set the event at SIGINT or SIGTERM; returns how to undo that."""
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        return lambda: None
    # Windows event loops take no signal handlers; a plain one wakes the loop by hand.
    previous: dict[signal.Signals, Any] = {}
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
        previous[name] = signal.signal(name, lambda *_: loop.call_soon_threadsafe(ended.set))

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    return restore


def _announce(first: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(first) + "\n")
    else:
        sys.stdout.write(
            f"virtual bench, seed {first['seed']}, mode {first['mode']}, speed {first['speed']}\n"
        )
        for entry in first["instruments"]:
            place = entry.get("path") or entry.get("folder") or f"{entry['host']}:{entry['port']}"
            sys.stdout.write(f"  {entry['name']} ({entry['kind']}) on {place}\n")
        sys.stdout.write(f"  station file: {first['station_file']}\n  cells: {first['cells_file']}\n")
        sys.stdout.write("Ctrl-C ends it.\n")
    sys.stdout.flush()
