"""Who watches a station hears that it is ready and alive, and starts it again when it is not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from labctl.cli.app import EXIT_USAGE, main
from labctl.cli.heartbeat import ALIVE, READY, Ear, Heart
from labctl.cli.leaving import ask_to_leave, is_asked_to_leave, told_by_signals
from labctl.cli.watched import Watcher
from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import LinkClosed
from labctl.testing.commandline import captured

BEAT = """
import sys
from labctl.cli.heartbeat import ALIVE, Heart
from labctl.clock import link_pause
Heart().say(ALIVE)
"""


def child(text: str) -> list[str]:
    """Return a command line that beats once and then does ``text``."""
    return [sys.executable, "-c", BEAT + text]


def test_systemd_hears_ready_and_watchdog(tmp_path: Path) -> None:
    if sys.platform == "win32":
        return  # systemd's socket is a Unix one
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        heart = Heart({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "500000"})
        heart.say(READY, ALIVE)
        assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
        assert (heart.beat_s, heart.watched) == (0.25, True)


def test_a_watcher_that_is_gone_disturbs_nobody(tmp_path: Path) -> None:
    Heart({"NOTIFY_SOCKET": str(tmp_path / "gone"), "LABCTL_HEARTBEAT": "127.0.0.1:9/x"}).say(ALIVE)
    assert not Heart({}).watched


def test_the_parent_hears_its_own_child_only() -> None:
    ear = Ear()
    try:
        address, _, _ = ear.environment()["LABCTL_HEARTBEAT"].partition("/")
        Heart({"LABCTL_HEARTBEAT": f"{address}/forged"}).say(ALIVE)
        assert ear.hear(10.0) == []
        Heart(ear.environment()).say(ALIVE)
        assert ear.hear(10.0) == [ALIVE]
        assert ear.hear(0.01) is None
    finally:
        ear.close()


def test_children_do_not_inherit_the_watchers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCTL_HEARTBEAT", "127.0.0.1:9/x")
    Heart()
    assert "LABCTL_HEARTBEAT" not in os.environ


def test_a_station_that_leaves_in_good_order_is_not_started_again() -> None:
    watcher = Watcher(child("sys.exit(0)"))
    assert (watcher.run(), watcher.starts) == (0, 1)


def test_a_station_that_cannot_be_used_so_is_not_started_again() -> None:
    watcher = Watcher(child("sys.exit(2)"))
    assert (watcher.run(), watcher.starts) == (EXIT_USAGE, 1)


@pytest.mark.parametrize("end", ["import os; os._exit(9)", "link_pause(600)"], ids=["dies", "stands still"])
def test_a_station_that_dies_or_stands_still_is_started_again(tmp_path: Path, end: str) -> None:
    mark = tmp_path / "second life"
    text = (
        "from pathlib import Path\n"
        f"mark = Path({str(mark)!r})\n"
        "if mark.exists(): sys.exit(0)\n"
        f"mark.touch()\n{end}\n"
    )
    watcher = Watcher(child(text), silence_s=2.0)
    assert (watcher.run(), watcher.starts) == (0, 2)


def test_under_systemd_nobody_else_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    call = captured(main, "serve", "--watched")
    assert (call.code, "WatchdogSec" in call.err) == (2, True)


def test_a_request_to_leave_reaches_the_life_that_it_names(tmp_path: Path) -> None:
    assert not is_asked_to_leave(tmp_path, "e1")
    ask_to_leave(tmp_path, "e0")
    assert not is_asked_to_leave(tmp_path, "e1")
    ask_to_leave(tmp_path, "e1")
    assert is_asked_to_leave(tmp_path, "e1")
    assert not is_asked_to_leave(tmp_path, "e1")
    (tmp_path / "station" / "leave.json").write_text("junk", encoding="utf-8")
    assert not is_asked_to_leave(tmp_path, "e1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_leave_and_a_second_interrupt_insists(number: int) -> None:
    import asyncio

    async def wait(clock: Clock) -> None:
        leave = asyncio.Event()
        with told_by_signals(leave):
            signal.raise_signal(number)
            await leave.wait()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run_with_clock(ClockSpec(), wait)
    assert signal.getsignal(signal.SIGINT) == before


def test_serve_without_a_station_file_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCTL_STATION", str(tmp_path / "none.yaml"))
    call = captured(main, "serve", "--data", str(tmp_path / "data"))
    assert (call.code, "LABCTL_STATION" in call.err) == (2, True)
    call = captured(main, "serve", "--stop", "--data", str(tmp_path / "data"))
    assert (call.code, "LABCTL_STATION" in call.err) == (2, True)


def test_two_lookers_and_a_starter_do_not_lock_each_other_out(tmp_path: Path) -> None:
    """A look at who serves takes the lock for a moment; a station that starts then waits for it."""
    from labctl.api.client.address import SERVE_PURPOSE, being_served
    from labctl.cli.serve import _locked
    from labctl.store.root import DataRoot

    DataRoot(tmp_path / "data")
    (tmp_path / "data" / "labctl.lock").write_text(f'{{"purpose": "{SERVE_PURPOSE}"}}', encoding="utf-8")
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            being_served(tmp_path / "data")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_locked(DataRoot(tmp_path / "data")))
            assert being_served(tmp_path / "data")
        assert not being_served(tmp_path / "data")
    finally:
        stop.set()
        thread.join()


def test_the_address_of_a_killed_station_is_believed_by_nobody_while_the_next_one_starts(
    tmp_path: Path,
) -> None:
    """Its port may be anybody's by then: the token must not go there."""
    from labctl.api.client.address import SERVE_PURPOSE, in_data
    from labctl.cli.serve import _locked
    from labctl.store.root import DataRoot

    root = DataRoot(tmp_path / "data")
    folder = tmp_path / "data" / "station"
    folder.mkdir()
    told = json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid(), "epoch": "e1"})
    locate = in_data(tmp_path / "data", token="lab_secret")
    with root:
        root.lock(SERVE_PURPOSE)
        (folder / "endpoint.json").write_text(told, encoding="utf-8")
        assert locate().url == "http://127.0.0.1:1"
        (folder / "endpoint.json").write_text(told.replace(str(os.getpid()), "1"), encoding="utf-8")
        with pytest.raises(LinkClosed, match="no station serves"):
            locate()
    with _locked(DataRoot(tmp_path / "data")):
        assert not (folder / "endpoint.json").exists(), "the one that starts takes it away"
