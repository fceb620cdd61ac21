"""What breaks in one place stays there: a view, a link, a station that begins anew, a window that is closed early."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labctl.gui.app import Plan, build
from labctl.gui.desk import Desk
from labctl.gui.i18n.translating import Languages
from labctl.gui.parts.stopall import stop_all
from labctl.gui.parts.trouble import KEPT, TroubleBar
from labctl.gui.parts.view import Context, View, ViewSpec
from labctl.gui.qt_bridge import Bridge
from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.window import MainWindow
from labctl.model.bench import ChannelStatus, Delta, StopAll
from labctl.model.ids import ChannelId
from labctl.model.plain import to_plain
from labctl.testing.guibench import INFO, FakeWorld
from labctl.testing.guilab import TurnedClock

pytestmark = pytest.mark.usefixtures("look")


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def bridge(qapp: Any, world: FakeWorld) -> Iterator[Bridge]:
    made = Bridge(world.connect)
    yield made
    assert made.close()


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_a_view_that_breaks_at_a_change_keeps_no_other_one_in_the_dark() -> None:
    lab = Lab(TurnedClock())
    heard: list[str] = []

    def broken(places: object) -> None:
        raise RuntimeError("the view is gone")

    lab.watch({"link"}, broken)
    lab.watch({"link"}, lambda places: heard.append("banner"))
    with pytest.raises(RuntimeError, match="gone"):
        lab.apply(Batch(link=LinkNews(LinkPhase.LOST, None, "cable")))
    assert heard == ["banner"] and not lab.link.live


def channel(seen: datetime, cell: str = "") -> Delta:
    status = ChannelStatus(ChannelId("neware:1-1"), "idle", cell, cell, seen_utc=seen.isoformat())
    return Delta(1, "channel", "neware:1-1", to_plain(status))


def test_u22_news_of_a_channel_whose_reading_is_old_does_not_make_the_reading_young() -> None:
    clock = TurnedClock()
    lab = Lab(clock)
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, clock.s)))
    lab.take_info(INFO)
    now = datetime.fromisoformat(INFO.plant_utc).astimezone(UTC)
    lab.apply(Batch((channel(now),)))
    assert lab.age_s("neware:1-1") == 0.0
    clock.s += 60.0
    lab.apply(Batch((channel(now, "C0001"),)))  # its cell has changed, nobody has read it since
    assert lab.age_s("neware:1-1") == pytest.approx(60.0)
    lab.apply(Batch((channel(now + timedelta(seconds=60)),)))
    assert lab.age_s("neware:1-1") == pytest.approx(0.0)


def test_u22_a_snapshot_of_a_bench_that_nobody_reads_any_more_is_old_as_a_whole() -> None:
    clock = TurnedClock()
    lab = Lab(clock)
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, clock.s)))
    lab.take_info(INFO)
    hour_ago = datetime.fromisoformat(INFO.plant_utc) - timedelta(hours=1)
    lab.apply(Batch((channel(hour_ago),), reset=True))
    assert lab.age_s("neware:1-1") == pytest.approx(3600.0) and lab.stale("neware:1-1")


def test_troubles_that_nobody_dismisses_are_bounded_and_the_same_one_stands_once(qtbot: Any) -> None:
    bar = TroubleBar()
    qtbot.addWidget(bar)
    for _ in range(3):
        bar.say(Trouble("Not done", "no link"))
    assert bar.more.text() == ""
    for number in range(3 * KEPT):
        bar.say(Trouble("Not done", f"reason {number}"))
    assert bar.more.text() == f"and {KEPT - 1} more" and "reason 299" in bar.text


# -- Stop all outputs -------------------------------------------------------------------------------------------------


def test_r13_a_stop_that_fails_for_good_after_its_deadline_says_that_it_is_tried_no_more(
    bridge: Bridge, world: FakeWorld, qtbot: Any
) -> None:
    lost: list[Trouble] = []
    bridge.stop_lost.connect(lost.append)
    bridge.start()
    qtbot.waitUntil(lambda: world.calls.count("connect") >= 2, timeout=30_000)
    troubles: list[Trouble] = []
    go = threading.Event()

    async def cut(station: Any) -> StopAll:
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, go.wait)
        raise OSError("the cable was pulled")

    bridge._send_stop(cut, None, troubles.append, 0.2)
    qtbot.waitUntil(lambda: bool(troubles), timeout=30_000)
    assert lost == []
    go.set()
    qtbot.waitUntil(lambda: bool(lost), timeout=30_000)
    assert "cable" in lost[0].why


def test_r13_a_stop_whose_station_begins_anew_under_it_is_sent_again(
    bridge: Bridge, world: FakeWorld, qtbot: Any
) -> None:
    from labctl.api.client.answers import FateUnknown

    bridge.start()
    tries: list[int] = []

    async def stop(station: Any) -> Any:
        tries.append(len(tries))
        if len(tries) == 1:
            raise FateUnknown("stop_all")
        return await station.stop_all("fire")

    found: list[Any] = []
    bridge._send_stop(stop, found.append, found.append, 5.0)
    qtbot.waitUntil(lambda: bool(found), timeout=30_000)
    assert len(tries) == 2 and found[0].active


# -- rows -------------------------------------------------------------------------------------------------------------


def test_rows_that_were_fetched_before_the_link_broke_are_not_fetched_twice(
    bridge: Bridge, world: FakeWorld, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labctl.errors import LinkClosed
    from labctl.gui import stationfeed
    from labctl.testing import guibench

    monkeypatch.setattr(stationfeed, "PAGE_ROWS", 2)
    monkeypatch.setattr(stationfeed, "RETRY_S", 0.05)
    records, pages = guibench._Runs.records, []

    async def sometimes(self: Any, run_id: str, **words: Any) -> Any:
        pages.append(words["after"])
        if len(pages) == 2:
            raise LinkClosed("cut", instrument="station", operation="records")
        return await records(self, run_id, **words)

    monkeypatch.setattr(guibench._Runs, "records", sometimes)
    sequences: list[int] = []
    bridge.arrived.connect(
        lambda batch: sequences.extend(
            int(number) for rows in batch.rows for number in rows.columns["sequence"]
        )
    )
    bridge.start()
    bridge.follow("plot", ["r1"])
    qtbot.waitUntil(lambda: any("r1" in runs for runs, _ in world.listeners), timeout=30_000)
    world.rows("r1", 1, 1)
    qtbot.waitUntil(lambda: sequences == [1], timeout=30_000)
    listeners = list(world.listeners)
    world.rows("r1", 6, 6)  # 2 to 5 passed unseen; the second page of them breaks
    qtbot.waitUntil(lambda: len(pages) == 2, timeout=30_000)
    qtbot.waitUntil(
        lambda: any("r1" in runs for runs, _ in world.listeners) and listeners != world.listeners,
        timeout=30_000,
    )
    world.rows("r1", 7, 7)
    qtbot.waitUntil(lambda: bool(sequences) and sequences[-1] == 7, timeout=30_000)
    assert sequences == [1, 2, 3, 4, 5, 6, 7]
    bridge.follow("plot", [])


# -- closing ----------------------------------------------------------------------------------------------------------


def test_a_window_that_is_closed_before_its_views_come_starts_no_thread(
    world: FakeWorld, session: Session, qtbot: Any
) -> None:
    window = build(Plan(world.connect), session)
    qtbot.addWidget(window)
    window.close()
    qtbot.wait(50)
    assert window.desk is None and world.calls == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("labctl-")]


class Broken(View):
    """Breaks when it is asked for its state."""

    def save_state(self) -> dict[str, Any]:
        raise RuntimeError("no state")


def test_a_view_that_breaks_at_the_close_keeps_no_thread_alive(
    world: FakeWorld, session: Session, qtbot: Any
) -> None:
    def make(context: Context) -> View:
        return Broken(context, found)

    found = ViewSpec("broken", "Broken", "alert", 1, make, key=1)
    window = MainWindow(session, Languages())
    desk = Desk(world.connect, window)
    window.attach(desk)
    window.show_views([found])
    qtbot.addWidget(window)
    window.show()
    desk.start()
    with qtbot.captureExceptions() as caught:
        window.close()
    assert len(caught) == 1 and "no state" in str(caught[0][1])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("labctl-")]
    assert stop_all().phase.value == "idle"


def test_cells_are_asked_for_twice_at_most_however_many_an_import_changes(
    world: FakeWorld, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk = Desk(world.connect)
    asked: list[Any] = []
    monkeypatch.setattr(desk.bridge, "ask", lambda verb, **words: asked.append(words["then"]))
    for number in range(100):
        told = {"kind": "cell.changed", "text": "", "utc": "", "subject": f"C{number}"}
        desk.lab.apply(Batch((Delta(number, "event", "cell.changed", told),)))
    assert len(asked) == 1
    asked[0](())
    assert len(asked) == 2
    asked[1](())
    assert len(asked) == 2
    assert desk.close()


def test_r6_an_act_that_the_instrument_did_not_confirm_is_neither_done_nor_refused() -> None:
    from labctl.errors import UnconfirmedError
    from labctl.gui.troubles import trouble_of
    from labctl.gui.viewmodels.acts import Acts, ActState
    from labctl.testing.guilab import FakeAsks

    trouble = trouble_of("runs.pause", UnconfirmedError("the tester still runs"))
    assert "Not confirmed" in trouble.what and "nobody knows" in trouble.next
    asks = FakeAsks({"runs.pause": trouble})
    act = Acts(asks, TurnedClock()).send("runs.pause", "neware:1-1", "run-1")
    assert act.state is ActState.NOT_CONFIRMED


def test_r15_a_release_of_stop_all_does_not_release_one_that_was_pressed_since(
    world: FakeWorld, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labctl.gui import stopbanner

    desk = Desk(world.connect)
    answers: list[Any] = []
    monkeypatch.setattr(stopbanner, "confirm", lambda question, answer, parent: answers.append(answer))
    sent: list[str] = []
    monkeypatch.setattr(desk.acts, "send", lambda verb, *args, **words: sent.append(verb))
    troubles: list[Trouble] = []
    desk.troubled.connect(troubles.append)
    banner = stopbanner.StopBanner(desk)
    qtbot.addWidget(banner)
    desk.lab.stop_all = StopAll(True, "chen", "2026-04-21T01:00:00+00:00", "smoke")
    banner._press("release")
    desk.lab.stop_all = StopAll(True, "anna", "2026-04-21T01:05:00+00:00", "fire")
    answers[0]("all is well", "release")
    assert sent == [] and "anna" in troubles[0].why and "fire" in troubles[0].why
    banner._press("release")
    answers[1]("all is well", "release")
    assert sent == ["station.release_stop_all"]
    assert desk.close()


def test_r3_a_stop_that_waits_its_turn_is_told_at_its_deadline_and_sent_all_the_same(
    bridge: Bridge, world: FakeWorld, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from labctl.testing import guibench

    stopped: list[str] = []

    async def slow(self: Any, run_id: str, *, reason: str = "") -> str:
        await asyncio.get_running_loop().run_in_executor(None, go.wait)
        stopped.append(run_id)
        return "stopped"

    go = threading.Event()
    monkeypatch.setattr(guibench._Runs, "stop", slow)
    bridge.start()
    qtbot.waitUntil(lambda: bool(bridge.address), timeout=30_000)
    troubles: list[Trouble] = []
    bridge.ask("runs.stop", "r1", failed=troubles.append, deadline_s=0.2)
    qtbot.waitUntil(lambda: bool(troubles), timeout=30_000)
    assert stopped == []
    go.set()
    qtbot.waitUntil(lambda: stopped == ["r1"], timeout=30_000)
    assert len(troubles) == 1
