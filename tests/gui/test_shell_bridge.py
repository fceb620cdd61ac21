"""The thread hop: asks with deadlines, batches at 10 Hz at most, a stop of its own, no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from labctl.clock import link_now_s
from labctl.errors import ConflictError, UserInputError
from labctl.gui.viewmodels.acts import TroubleKind
from labctl.gui.viewmodels.batches import LinkPhase
from labctl.model.bench import ChannelStatus
from labctl.testing.guibench import FakeWorld


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def bridge(qapp: Any, world: FakeWorld) -> Iterator[Any]:
    from labctl.gui.qt_bridge import Bridge

    made = Bridge(world.connect)
    yield made
    assert made.close()


class Heard:
    """Everything a bridge hands over."""

    def __init__(self, bridge: Any) -> None:
        self.batches: list[Any] = []
        self.at_s: list[float] = []
        self.threads: set[str] = set()
        bridge.arrived.connect(self.take)

    def take(self, batch: Any) -> None:
        self.batches.append(batch)
        self.at_s.append(link_now_s())
        self.threads.add(threading.current_thread().name)

    @property
    def deltas(self) -> list[Any]:
        return [delta for batch in self.batches for delta in batch.deltas]

    @property
    def phases(self) -> list[LinkPhase]:
        return [batch.link.state for batch in self.batches if batch.link is not None]

    @property
    def sequences(self) -> list[int]:
        return [int(n) for batch in self.batches for rows in batch.rows for n in rows.columns["sequence"]]


def channel(number: int, voltage_V: float = 3.3) -> ChannelStatus:
    return ChannelStatus(f"neware:1-{number}", "running", voltage_V=voltage_V)  # type: ignore[arg-type]


def test_the_first_batch_is_a_fresh_snapshot_and_comes_in_the_windows_thread(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    heard = Heard(bridge)
    world.publish("channel", "neware:1-1", channel(1))
    bridge.start()
    qtbot.waitUntil(lambda: bool(heard.deltas), timeout=30_000)
    assert [batch.reset for batch in heard.batches if batch.deltas] == [True]
    assert heard.threads == {threading.main_thread().name}


def test_changes_of_one_thing_are_merged_and_hand_overs_keep_their_distance(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    heard = Heard(bridge)
    bridge.start()
    qtbot.waitUntil(lambda: len(world.listeners) == 1, timeout=30_000)
    for step in range(300):
        world.publish("channel", "neware:1-1", channel(1, 3.0 + step / 1000))
        world.publish("event", "note", {"text": str(step)})
    qtbot.waitUntil(lambda: len([d for d in heard.deltas if d.topic == "event"]) == 300, timeout=30_000)
    values = [delta for delta in heard.deltas if delta.topic == "channel"]
    assert len(values) < 60 and values[-1].data["voltage_V"] == pytest.approx(3.299)
    gaps = [after - before for before, after in zip(heard.at_s, heard.at_s[1:], strict=False)]
    assert all(gap_s > 0.05 for gap_s in gaps)  # 10 Hz, less the jitter of two threads


def test_an_answer_comes_to_then_in_the_windows_thread(bridge: Any, qtbot: Any) -> None:
    bridge.start()
    found: list[Any] = []
    bridge.ask("runs.stop", "r1", then=lambda text: found.append((text, threading.current_thread())))
    qtbot.waitUntil(lambda: bool(found), timeout=30_000)
    assert found == [("run r1 stopped, read back", threading.main_thread())]


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (UserInputError("not so"), TroubleKind.REFUSED),
        (ConflictError("already done by li"), TroubleKind.CONFLICT),
        (RuntimeError("a bug"), TroubleKind.FAILED),
        (OSError("cable"), TroubleKind.LINK),
    ],
)
def test_each_kind_of_failure_is_told_in_words(
    bridge: Any, world: FakeWorld, qtbot: Any, problem: Exception, kind: TroubleKind
) -> None:
    bridge.start()
    qtbot.waitUntil(lambda: "info" in world.calls, timeout=30_000)
    world.problem = problem
    troubles: list[Any] = []
    bridge.ask("runs.stop", "r1", failed=troubles.append)
    qtbot.waitUntil(lambda: bool(troubles), timeout=30_000)
    assert troubles[0].kind is kind and str(problem) in troubles[0].why


def test_an_ask_without_an_answer_fails_at_its_deadline_once(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    bridge.start()
    qtbot.waitUntil(lambda: "info" in world.calls, timeout=30_000)
    world.silent = True
    troubles: list[Any] = []
    bridge.ask("runs.stop", "r1", then=troubles.append, failed=troubles.append, deadline_s=0.3)
    qtbot.waitUntil(lambda: bool(troubles), timeout=30_000)
    qtbot.wait(700)
    assert [trouble.kind for trouble in troubles] == [TroubleKind.DEADLINE]


def test_an_ask_before_any_station_fails_at_its_deadline_too(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    world.cut()
    bridge.start()
    troubles: list[Any] = []
    bridge.ask("runs.stop", "r1", failed=troubles.append, deadline_s=0.2)
    qtbot.waitUntil(lambda: bool(troubles), timeout=30_000)
    assert "cable pulled" in troubles[0].why


def test_the_link_is_told_lost_and_comes_back_by_itself(bridge: Any, world: FakeWorld, qtbot: Any) -> None:
    heard = Heard(bridge)
    bridge.start()
    qtbot.waitUntil(lambda: LinkPhase.LIVE in heard.phases, timeout=30_000)
    assert next(b.link.me.name for b in heard.batches if b.link is not None and b.link.me) == "chen"
    world.cut()
    qtbot.waitUntil(lambda: heard.phases[-1] is LinkPhase.LOST, timeout=30_000)
    world.mend()
    qtbot.waitUntil(lambda: heard.phases[-1] is LinkPhase.LIVE, timeout=30_000)


def test_a_station_that_is_not_there_yet_is_tried_for_ever(bridge: Any, world: FakeWorld, qtbot: Any) -> None:
    heard = Heard(bridge)
    world.cut()
    bridge.start()
    qtbot.waitUntil(lambda: LinkPhase.CONNECTING in heard.phases, timeout=30_000)
    world.mend()
    qtbot.waitUntil(lambda: LinkPhase.LIVE in heard.phases, timeout=30_000)


def test_a_refused_token_is_told_as_refused(bridge: Any, world: FakeWorld, qtbot: Any) -> None:
    heard = Heard(bridge)
    world.problem = UserInputError("the station does not take this token")
    bridge.start()
    qtbot.waitUntil(lambda: LinkPhase.REFUSED in heard.phases, timeout=30_000)


def test_a_stop_does_not_wait_behind_other_asks(bridge: Any, world: FakeWorld, qtbot: Any) -> None:
    bridge.start()
    qtbot.waitUntil(lambda: world.calls.count("connect") == 5, timeout=30_000)
    held = threading.Event()

    async def hog(station: Any) -> None:
        held.wait(5.0)  # the client's loop stands still

    bridge.run(hog, deadline_s=20.0)
    answers: list[Any] = []
    bridge.stop_all("fire", answers.append, answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=30_000)
    held.set()
    assert answers[0].active and len(answers[0].reports) == 2


def test_a_stop_that_is_answered_late_is_told_not_confirmed_and_then_confirmed(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    bridge.start()
    qtbot.waitUntil(lambda: world.calls.count("connect") == 5, timeout=30_000)
    late: list[Any] = []
    bridge.stop_late.connect(late.append)
    go: list[Any] = []

    async def slow(station: Any) -> Any:
        import asyncio

        event = asyncio.Event()
        go.append((asyncio.get_running_loop(), event))
        await event.wait()
        return await station.stop_all("late")

    troubles: list[Any] = []
    bridge._send_stop(slow, None, troubles.append, 0.3)
    qtbot.waitUntil(lambda: bool(troubles), timeout=30_000)
    assert troubles[0].kind is TroubleKind.DEADLINE
    loop, event = go[0]
    loop.call_soon_threadsafe(event.set)
    qtbot.waitUntil(lambda: bool(late), timeout=30_000)
    assert late[0].active


def test_live_rows_come_once_each_though_the_set_of_runs_changes(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    heard = Heard(bridge)
    bridge.start()
    bridge.follow("plot", ["r1"])
    qtbot.waitUntil(lambda: any("r1" in runs for runs, _ in world.listeners), timeout=30_000)
    world.rows("r1", 1, 3)
    qtbot.waitUntil(lambda: heard.sequences == [1, 2, 3], timeout=30_000)
    bridge.follow("grid", ["r2"])
    qtbot.waitUntil(lambda: any("r2" in runs for runs, _ in world.listeners), timeout=30_000)
    world.rows("r1", 6, 7)  # 4 and 5 passed while the stream was opened anew
    qtbot.waitUntil(lambda: len(heard.sequences) >= 7, timeout=30_000)
    assert heard.sequences == [1, 2, 3, 4, 5, 6, 7]
    bridge.follow("plot", [])
    bridge.follow("grid", [])


def test_work_is_done_outside_and_its_errors_are_told(bridge: Any, qtbot: Any) -> None:
    bridge.start()
    found: list[Any] = []
    bridge.work(lambda: threading.current_thread().name, found.append)
    bridge.work(lambda: 1 // 0, found.append, lambda trouble: found.append(trouble.kind))
    qtbot.waitUntil(lambda: len(found) == 2, timeout=30_000)
    assert found[0].startswith("labctl-decimate") and found[1] is TroubleKind.FAILED


def test_a_window_that_does_not_take_its_batch_gets_the_next_only_after_it(
    bridge: Any, world: FakeWorld, qtbot: Any
) -> None:
    heard = Heard(bridge)
    bridge.start()
    qtbot.waitUntil(lambda: len(world.listeners) == 1, timeout=30_000)
    before = len(heard.batches)
    begin_s = link_now_s()
    while link_now_s() - begin_s < 0.6:  # the window's thread is busy: nothing is taken
        world.publish("channel", "neware:1-1", channel(1, link_now_s()))
    qtbot.wait(150)
    assert len(heard.batches) - before <= 3


def test_closing_during_a_load_calls_nobody(qapp: Any, world: FakeWorld, qtbot: Any) -> None:
    from labctl.gui.qt_bridge import Bridge

    made = Bridge(world.connect)
    made.start()
    called: list[Any] = []
    world.silent = True
    made.ask("runs.stop", "r1", then=called.append, failed=called.append)
    assert made.close()
    qtbot.wait(50)
    assert called == []
