"""Raw frames: newest first, readable bytes, earlier pages, a search; and why there are none (level 4)."""

from __future__ import annotations

from typing import Any

import pytest

from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.frames import plain_bytes
from labctl.model.bench import InstrumentStatus
from labctl.model.ids import ChannelId
from labctl.model.rawframe import FrameKind, FramePage, RawFrame
from labctl.testing.guilab import FakeAsks, box, running, tell
from labctl.testing.guiviews import ViewBench, press, type_text

pytestmark = pytest.mark.usefixtures("look")
CHANNEL = "neware:1-1"


def frame(number: int, kind: FrameKind = FrameKind.IN, text: str = "") -> RawFrame:
    """Return a frame of one second later each."""
    sent = f"<cmd>inquire {number}</cmd>".encode()
    return RawFrame(f"2026-04-21T01:42:{number:02d}.500+00:00", "neware", kind, len(sent) + 40, sent.hex(),
                    text or f"inquire {number}", (ChannelId(CHANNEL),))  # fmt: skip


def paged(channel: str, *, until: str = "", before: str = "", limit: int = 50) -> FramePage:
    """Return ten frames, and two before them."""
    if before:
        return FramePage("neware", (frame(1, FrameKind.TIMEOUT, "no answer"), frame(0, FrameKind.OUT)))
    return FramePage("neware", tuple(frame(number) for number in range(11, 1, -1)), "p2", "wire/neware.log")


def opened(session: Session, qtbot: Any, **answers: Any) -> tuple[ViewBench, Any]:
    bench = ViewBench(
        session, asks=FakeAsks({"channels.frames": paged, "instruments.frames": paged, **answers})
    )
    tell(bench.lab, running(CHANNEL), box("neware", 1))
    view = bench.open("frames", qtbot)
    view.open_on(CHANNEL)
    return bench, view


def texts(view: Any, column: str) -> list[str]:
    at = view.rows.column(column)
    return [row[at].text for row in view.rows.rows]


def test_the_frames_of_a_channel_are_shown_newest_first_with_their_reading(
    session: Session, qtbot: Any
) -> None:
    bench, view = opened(session, qtbot)
    assert bench.asks.of("channels.frames")[0].args == (CHANNEL,)
    assert texts(view, "text")[0] == "inquire 11" and len(view.rows.rows) == 10
    assert texts(view, "hex")[0] == "<cmd>inquire 11</cmd> …" and texts(view, "kind")[0] == "received"
    assert view.bar.note == "kept in wire/neware.log"
    view.table.selectRow(0)
    assert "inquire 11" in view.detail.toPlainText()
    view.hidden()


def test_earlier_frames_come_below_and_following_stops(session: Session, qtbot: Any) -> None:
    _, view = opened(session, qtbot)
    view.earlier.click()
    assert len(view.rows.rows) == 12 and texts(view, "kind")[-2:] == ["no answer", "sent"]
    assert not view.follow.isChecked() and not view.earlier.isEnabled()
    assert view.earlier.toolTip() == "There are no earlier frames."
    view.hidden()


def test_new_frames_are_put_on_top_and_none_twice(session: Session, qtbot: Any) -> None:
    bench, view = opened(session, qtbot)
    newer = FramePage("neware", tuple(frame(number) for number in range(13, 3, -1)), "p2")
    bench.asks.answers["channels.frames"] = newer
    view.model.refresh(anyway=True)
    assert texts(view, "text") == [f"inquire {number}" for number in range(13, 1, -1)]
    view.hidden()


def test_a_search_narrows_the_list_by_keys_alone(session: Session, qtbot: Any) -> None:
    _, view = opened(session, qtbot)
    view.search()
    type_text("inquire 7", view.search_field)
    assert texts(view, "text") == ["inquire 7"]
    press("Escape", view.search_field)
    assert len(view.rows.rows) == 10
    view.hidden()


def test_r4_where_there_are_no_frames_the_reason_is_told(session: Session, qtbot: Any) -> None:
    _, view = opened(session, qtbot, **{"channels.frames": Trouble("No frames.", "Nothing is kept here.")})
    assert view.rows.rows == () and view.bar.note == "No frames. Nothing is kept here."
    view.hidden()


def test_instruments_can_be_chosen_too(session: Session, qtbot: Any) -> None:
    bench, view = opened(session, qtbot)
    assert isinstance(bench.lab.instruments["neware"], InstrumentStatus)
    view.subject.chosen.emit("neware")
    assert bench.asks.of("instruments.frames")[0].args == ("neware",)
    view.hidden()


def test_bytes_are_text_where_they_are_text() -> None:
    assert plain_bytes(b"<a>1</a>\r\n".hex()) == "<a>1</a>··" or plain_bytes(b"<a>1</a>".hex()) == "<a>1</a>"
    assert plain_bytes("0103001f") == "01 03 00 1f" and plain_bytes("zz") == "zz"
