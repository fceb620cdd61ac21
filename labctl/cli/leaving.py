"""How a station is told to end: a signal, or a request in its data root, which works the same on every system."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

FOLDER = "station"
REQUEST = "leave.json"


def ask_to_leave(data: Path, epoch: str) -> None:
    """Ask the station of a data root to end; a station of another life takes no notice."""
    path = data / FOLDER / REQUEST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"epoch": epoch}), encoding="utf-8")


def is_asked_to_leave(data: Path, epoch: str) -> bool:
    """Tell whether this life of the station is asked to end; the request is taken away."""
    path = data / FOLDER / REQUEST
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        told = None
    with contextlib.suppress(OSError):
        path.unlink()
    return isinstance(told, dict) and told.get("epoch") == epoch


@contextlib.contextmanager
def told_by_signals(leave: asyncio.Event, *, attended: bool = False) -> Iterator[None]:
    """Set ``leave`` at the first SIGINT, SIGTERM or Ctrl-Break; a second SIGINT interrupts.

    ``attended`` is for what ends within seconds, and must be seen through once it has been told to end: the loss of the
    terminal (SIGHUP, unless the shell has it ignored) tells it too, and no second SIGINT interrupts it.
    """
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if leave.is_set() and number == signal.SIGINT and not attended:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(leave.set)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGBREAK"):
        numbers.append(signal.SIGBREAK)
    if attended and hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
