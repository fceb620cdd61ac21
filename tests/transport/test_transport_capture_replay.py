"""A capture of a session plays back to the same driver, and says where another driver differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, LinkTimeout, UserFileError
from labctl.transport.base import Transport
from labctl.transport.capture import CaptureTransport
from labctl.transport.faults import Fault, FaultKind, FaultPlan
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import MemoryTransport
from labctl.transport.replay import ReplayMismatch, ReplayTransport

JUMP = ClockSpec(mode=ClockMode.JUMP)


class Doubling:
    """Answers with the request twice."""

    def receive(self, data: bytes) -> bytes:
        return data * 2


async def session(pipe: Transport) -> list[str]:
    """Talk as a driver does, through a time-out and a reopening."""
    heard = []
    await pipe.open()
    for request in (b"\x00\x01", b"lost", b"after"):
        try:
            await pipe.write(request)
            heard.append((await pipe.read(30.0)).hex())
        except (LinkTimeout, LinkClosed) as error:
            heard.append(type(error).__name__)
            await pipe.open()
    await pipe.close()
    return heard


def captured() -> tuple[list[str], list[str]]:
    lines: list[str] = []

    async def main(clock: Clock) -> list[str]:
        inner = FaultyTransport(
            MemoryTransport(Doubling, clock), clock, FaultPlan((Fault(FaultKind.HANG, exchange=2),))
        )
        return await session(CaptureTransport(inner, clock, lines.append))

    return run_with_clock(JUMP, main), lines


def test_a_capture_holds_each_event_with_direction_time_and_bytes() -> None:
    _, lines = captured()
    assert [json.loads(line) for line in lines] == [
        {"time_s": 0.0, "event": "open", "data": ""},
        {"time_s": 0.0, "event": "out", "data": "0001"},
        {"time_s": 0.0, "event": "in", "data": "00010001"},
        {"time_s": 0.0, "event": "out", "data": "6c6f7374"},
        {"time_s": 30.0, "event": "timeout", "data": ""},
        {"time_s": 30.0, "event": "open", "data": ""},
        {"time_s": 30.0, "event": "out", "data": "6166746572"},
        {"time_s": 30.0, "event": "in", "data": "61667465726166746572"},
        {"time_s": 30.0, "event": "close", "data": ""},
    ]


def test_a_capture_plays_back_with_its_failures(tmp_path: Path) -> None:
    heard, lines = captured()
    path = tmp_path / "session.jsonl"
    path.write_text("".join(lines), encoding="utf-8")

    async def main(clock: Clock) -> None:
        pipe = ReplayTransport(path)
        assert await session(pipe) == heard == ["00010001", "LinkTimeout", "61667465726166746572"]
        pipe.finish()

    run_with_clock(JUMP, main)


def _play(*doings: str | bytes) -> None:
    _, lines = captured()

    async def main(clock: Clock) -> None:
        pipe = ReplayTransport(lines)
        await pipe.open()
        for doing in doings:
            if isinstance(doing, bytes):
                await pipe.write(doing)
            elif doing == "read":
                await pipe.read()
            else:
                pipe.finish()

    run_with_clock(JUMP, main)


def test_writes_may_be_cut_differently_than_in_the_capture() -> None:
    _play(b"\x00", b"\x01", "read")


@pytest.mark.parametrize(
    ("doings", "said"),
    [
        ((b"\x00\x02",), r"event 2: the driver wants to write 00 02, the capture holds out 00 01"),
        ((b"\x00\x01\x02",), r"event 3: the driver wants to write 02, the capture holds in 00 01 00 01"),
        (("read",), r"event 2: the driver wants to read, the capture holds out 00 01"),
        ((b"\x00", "read"), r"wants to read, the capture holds out 01"),
        ((b"\x00\x01", "finish"), r"wants to stop, the capture holds in"),
        ((b"\x00\x01", "read", "finish"), r"wants to stop, the capture holds out"),
    ],
)
def test_a_driver_that_does_something_else_is_told_where(doings: tuple[str | bytes, ...], said: str) -> None:
    with pytest.raises(ReplayMismatch, match=said):
        _play(*doings)


def test_a_driver_that_goes_on_after_the_end_is_told_so() -> None:
    async def main(clock: Clock) -> None:
        pipe = ReplayTransport(['{"time_s": 0, "event": "open", "data": ""}'])
        await pipe.open()
        with pytest.raises(ReplayMismatch, match="ended"):
            await pipe.write(b"more")

    run_with_clock(JUMP, main)


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"event": "out"}', '{"event": "shout", "data": ""}',
                                  '{"event": "out", "data": "0"}'])  # fmt: skip
def test_a_damaged_capture_names_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"time_s": 0, "event": "open", "data": ""}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserFileError, match=r"broken\.jsonl:2"):
        ReplayTransport(path)
