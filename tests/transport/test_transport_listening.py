"""Listening: silence is no error, the pipe stays open, and an endpoint may speak without being asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed
from labctl.testing.byteserver import TcpPeer
from labctl.testing.talk import talk
from labctl.transport.base import Transport
from labctl.transport.capture import CaptureTransport
from labctl.transport.faults import Fault, FaultKind, FaultPlan
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import MemoryTransport
from labctl.transport.replay import ReplayTransport


class Speaker:
    """An endpoint that says what the test wants, when the test wants."""

    def __init__(self) -> None:
        self.say: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self.say = send

    def receive(self, data: bytes) -> bytes:
        self.say(b"<")
        return data + b">"


def jump(story: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
    run_with_clock(ClockSpec(mode=ClockMode.JUMP), story)


def test_silence_is_empty_and_leaves_the_pipe_open_and_what_an_endpoint_says_is_heard() -> None:
    async def story(clock: Clock) -> None:
        speaker = Speaker()
        pipe = MemoryTransport(speaker, clock)
        await pipe.open()
        assert await pipe.listen(2.0) == b""
        assert clock.link.now_s() == pytest.approx(2.0)
        assert pipe.is_open
        await pipe.write(b"a")
        assert await pipe.listen(1.0) == b"<a>"
        clock.link.call_at(clock.link.now_s() + 5.0, lambda: speaker.say(b"ready"))
        assert await pipe.listen(60.0) == b"ready"
        assert clock.link.now_s() == pytest.approx(7.0)

    jump(story)


def test_a_closed_connection_hears_no_more_of_what_its_endpoint_says() -> None:
    async def story(clock: Clock) -> None:
        speakers: list[Speaker] = []

        def connected() -> Speaker:
            speakers.append(Speaker())
            return speakers[-1]

        pipe = MemoryTransport(connected, clock)
        await pipe.open()
        await pipe.close()
        with pytest.raises(LinkClosed):
            await pipe.listen(1.0)
        await pipe.open()
        speakers[0].say(b"late")
        assert await pipe.listen(1.0) == b""

    jump(story)


def test_faults_act_on_what_is_listened_to() -> None:
    async def story(clock: Clock) -> None:
        speaker = Speaker()
        plan = FaultPlan(
            (Fault(FaultKind.HANG, exchange=1, byte=1), Fault(FaultKind.DROP, exchange=2, byte=2))
        )
        pipe = FaultyTransport(MemoryTransport(speaker, clock), clock, plan)
        await pipe.open()
        assert await pipe.listen(1.0) == b""
        await pipe.write(b"a")
        assert await pipe.listen(1.0) == b"<"
        assert await pipe.listen(1.0) == b""
        assert pipe.is_open
        await pipe.write(b"b")
        await pipe.close()
        await pipe.open()
        await pipe.write(b"c")
        speaker.say(b"more")
        assert await pipe.listen(1.0) == b"<c>more"

    jump(story)


def test_a_capture_holds_what_was_heard_and_no_silence_and_replays_it() -> None:
    lines: list[str] = []

    async def story(clock: Clock, pipe: Transport) -> list[bytes]:
        await pipe.open()
        heard = [await pipe.listen(1.0)]
        await pipe.write(b"a")
        heard += [await pipe.listen(1.0), await pipe.listen(1.0)]
        await pipe.close()
        return heard

    async def taken(clock: Clock) -> None:
        pipe = CaptureTransport(MemoryTransport(Speaker(), clock), clock, lines.append)
        assert await story(clock, pipe) == [b"", b"<a>", b""]

    async def played(clock: Clock) -> None:
        pipe = ReplayTransport(lines)
        assert await story(clock, pipe) == [b"", b"<a>", b""]
        pipe.finish()

    jump(taken)
    assert len(lines) == 4
    jump(played)


def test_listening_on_tcp_is_patient_and_tells_when_the_peer_has_closed() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert await pipe.listen(0.0) == b""
        await pipe.write(b"x")
        assert await pipe.listen(5.0) == b"yes"
        await pipe.write(b"end")
        with pytest.raises(LinkClosed):
            await pipe.listen(5.0)

    with TcpPeer(lambda data: None if data == b"end" else b"yes") as peer:
        talk(peer.resource, story)
