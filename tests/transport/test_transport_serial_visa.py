"""Serial and VISA pipes against a local peer; both work in an owned thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, TypeVar

import pytest

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, LinkTimeout
from labctl.testing.byteserver import TcpPeer
from labctl.testing.talk import read_exactly, talk
from labctl.transport import blocking
from labctl.transport.base import Transport
from labctl.transport.blocking import BlockingTransport

T = TypeVar("T")


ALL_BYTES = bytes(range(256))


def test_every_byte_value_passes_unchanged_both_ways(blocking_resource: str) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert pipe.is_open
        await pipe.write(ALL_BYTES)
        assert await read_exactly(pipe, 256) == ALL_BYTES
        await pipe.write(ALL_BYTES[::-1])
        assert await read_exactly(pipe, 256) == ALL_BYTES[::-1]

    talk(blocking_resource, story)


def test_no_reply_is_a_timeout_and_the_pipe_can_be_opened_again(blocking_resource: str) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        with pytest.raises(LinkTimeout):
            await pipe.read(0.01)
        assert not pipe.is_open
        with pytest.raises(LinkClosed):
            await pipe.read(0.01)
        with pytest.raises(LinkClosed):
            await pipe.write(b"x")
        await pipe.open(5.0)
        await pipe.write(b"again")
        assert await read_exactly(pipe, 5) == b"again"

    talk(blocking_resource, story)


def test_a_cancelled_reader_gives_the_pipe_back(blocking_resource: str) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(pipe.read(3600.0))
            await clock.link.sleep(0.005)
            reader.cancel()
        await pipe.close()
        await pipe.open(5.0)
        await pipe.write(b"hello")
        assert await read_exactly(pipe, 5) == b"hello"

    talk(blocking_resource, story)


@pytest.mark.parametrize("resource", ["serial:///dev/labctl-no-such-port", "visa://ASRL/dev/labctl-no-such-port::INSTR",
                                      "visa://NONSENSE", "serial://usb?serial_number=NONE"])  # fmt: skip
def test_a_port_that_is_not_there_is_link_closed_that_names_it(resource: str) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        raise AssertionError("nothing to talk to")

    with pytest.raises(LinkClosed, match="open"):
        talk(resource, story)


def test_a_visa_peer_that_closes_is_link_closed_and_not_a_busy_timeout() -> None:
    with TcpPeer(lambda data: None) as peer:

        async def story(pipe: Transport, clock: Clock) -> None:
            await pipe.write(b"x")
            with pytest.raises(LinkClosed, match="closed"):
                await pipe.read(5.0)
            assert not pipe.is_open

        talk(f"visa://TCPIP::127.0.0.1::{peer.port}::SOCKET", story)


class Hanging(BlockingTransport):
    """A driver whose first read never comes back."""

    def __init__(self, clock: Clock, release: threading.Event) -> None:
        super().__init__("hanging://", clock)
        self._release = release
        self.opened = 0

    def _open_port(self, timeout_s: float) -> None:
        self.opened += 1

    def _close_port(self) -> None:
        self._release.is_set()

    def _write_port(self, data: bytes, timeout_s: float) -> None:
        self._release.is_set()

    def _read_port(self, slice_s: float) -> bytes:
        if self.opened == 1:
            self._release.wait()
        return b"fine"


def test_a_driver_call_that_hangs_is_left_behind_with_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """F02: the call runs in a worker with its own deadline; others are unaffected, the next open has a new
    thread."""
    monkeypatch.setattr(blocking, "HANG_GRACE_S", 0.02)
    release = threading.Event()

    async def main(clock: Clock) -> list[Any]:
        pipe = Hanging(clock, release)
        beats = 0

        async def neighbour() -> None:
            nonlocal beats
            while True:
                await clock.link.sleep(0.005)
                beats += 1

        async with asyncio.TaskGroup() as group:
            other = group.create_task(neighbour())
            await pipe.open()
            with pytest.raises(LinkTimeout, match="hangs"):
                await pipe.read(1.0)
            assert not pipe.is_open
            await pipe.open()
            heard = await pipe.read(1.0)
            other.cancel()
        await pipe.close()
        return [heard, pipe.opened, beats > 3]

    assert run_with_clock(ClockSpec(), main) == [b"fine", 2, True]
    release.set()
