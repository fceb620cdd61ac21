"""The TCP pipe over real sockets: every end of a connection is a stated error and a closed pipe."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, LinkTimeout, UserInputError
from labctl.testing.byteserver import TcpPeer
from labctl.testing.talk import read_exactly, talk
from labctl.transport import open_transport
from labctl.transport.base import READ_CHUNK_BYTES, Transport
from labctl.transport.tcp import BUFFER_MAX_BYTES, TcpTransport


def test_bytes_go_there_and_back() -> None:
    async def story(pipe: Transport, clock: Clock) -> bytes:
        await pipe.write(b"ping")
        return await read_exactly(pipe, 4)

    with TcpPeer(lambda data: data[::-1]) as peer:
        assert talk(peer.resource, story) == b"gnip"


def test_the_socket_does_not_delay_and_keeps_alive() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert isinstance(pipe, TcpTransport)
        assert pipe._transport is not None
        sock = pipe._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    with TcpPeer(lambda data: data) as peer:
        talk(peer.resource, story)


def test_megabytes_pass_both_ways_in_bounded_pieces() -> None:
    size = 3 * BUFFER_MAX_BYTES + 17

    async def story(pipe: Transport, clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(pipe.write(bytes(size)))
            received = 0
            while received < size:
                piece = await pipe.read(5.0)
                assert 0 < len(piece) <= READ_CHUNK_BYTES
                received += len(piece)
        assert received == size

    with TcpPeer(lambda data: data) as peer:
        talk(peer.resource, story)


def test_a_peer_that_sends_far_ahead_is_held_back() -> None:
    size = 20 * BUFFER_MAX_BYTES

    async def story(pipe: Transport, clock: Clock) -> None:
        assert isinstance(pipe, TcpTransport)
        await pipe.write(b"all of it")
        first = await pipe.read(5.0)
        await clock.link.sleep(0.05)
        assert pipe._pipe is not None
        assert len(pipe._pipe.buffer) <= BUFFER_MAX_BYTES + READ_CHUNK_BYTES
        assert len(first) + len(await read_exactly(pipe, size - len(first))) == size

    with TcpPeer(lambda data: bytes(size)) as peer:
        talk(peer.resource, story)


def test_a_pipe_tells_without_waiting_whether_bytes_wait_unread() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert not pipe.has_unread
        await pipe.write(b"ping")
        await clock.link.sleep(0.05)
        assert pipe.has_unread
        assert await pipe.read(5.0) == b"gnip"
        assert not pipe.has_unread
        await pipe.close()
        assert not pipe.has_unread

    with TcpPeer(lambda data: data[::-1]) as peer:
        talk(peer.resource, story)


def test_each_wait_has_its_own_deadline_whatever_the_waits_before_were_allowed() -> None:
    """One timer serves all waits: it rings early for a longer one, and is set anew for a shorter one."""

    async def story(pipe: Transport, clock: Clock) -> None:
        for allowed_s in (0.05, 60.0, 0.3, 5.0):
            await pipe.write(b"ping")
            assert await read_exactly(pipe, 4, allowed_s) == b"gnip"
        await clock.link.sleep(0.35)
        assert pipe.is_open
        began_s = clock.link.now_s()
        await pipe.write(b"")
        with pytest.raises(LinkTimeout):
            await pipe.read(0.1)
        assert 0.1 <= clock.link.now_s() - began_s < 2.0

    with TcpPeer(lambda data: data[::-1]) as peer:
        talk(peer.resource, story)


def test_no_reply_is_a_timeout_and_a_closed_pipe_that_can_be_opened_again() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        await pipe.write(b"anybody?")
        with pytest.raises(LinkTimeout) as caught:
            await pipe.read(0.02)
        assert caught.value.elapsed_s == 0.02
        assert not pipe.is_open
        with pytest.raises(LinkClosed):
            await pipe.write(b"again")
        with pytest.raises(LinkClosed):
            await pipe.read(0.02)
        await pipe.open()
        await pipe.write(b"hello")
        assert await read_exactly(pipe, 5) == b"hello"

    def connected(number: int) -> Callable[[bytes], bytes]:
        return (lambda data: b"") if number == 1 else (lambda data: data)

    with TcpPeer(bytes, connected=connected) as peer:
        talk(peer.resource, story)


def test_a_reply_that_came_before_the_end_is_read_first_then_the_end_is_link_closed() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        await pipe.write(b"last words?")
        assert await read_exactly(pipe, 3) == b"bye"
        await pipe.write(b"still there?")
        with pytest.raises(LinkClosed, match="closed"):
            await pipe.read(5.0)
        assert not pipe.is_open

    replies = iter([b"bye", None])
    with TcpPeer(lambda data: next(replies)) as peer:
        talk(peer.resource, story)


def test_a_peer_that_closes_at_once_is_a_closed_pipe_not_a_busy_loop() -> None:
    """F07: a zero-byte read means closed; the loop turns a bounded number of times."""

    async def story(pipe: Transport, clock: Clock) -> None:
        await pipe.write(b"x")
        with pytest.raises(LinkClosed):
            await pipe.read(5.0)

    with TcpPeer(lambda data: None) as peer:
        talk(peer.resource, story)


def test_a_peer_that_takes_no_bytes_is_a_timeout_at_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        async def story(pipe: Transport, clock: Clock) -> None:
            with pytest.raises(LinkTimeout, match="takes no bytes"):
                await pipe.write(bytes(64_000_000), 0.05)
            assert not pipe.is_open

        talk(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", story)


def test_nobody_listening_is_link_closed_that_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    async def story(pipe: Transport, clock: Clock) -> None:
        raise AssertionError("nothing to talk to")

    with pytest.raises(LinkClosed, match=f"tcp://127.0.0.1:{port}: open"):
        talk(f"tcp://127.0.0.1:{port}", story)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 300])
def test_a_host_that_has_no_address_is_link_closed(host: str) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        raise AssertionError("nothing to talk to")

    with pytest.raises(LinkClosed, match="open"):
        talk(f"tcp://{host}:502", story)


def test_a_reader_that_is_cancelled_leaves_the_pipe_usable() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(pipe.read(60.0))
            await clock.link.sleep(0.001)
            reader.cancel()
        assert pipe.is_open
        await pipe.write(b"hello")
        assert await read_exactly(pipe, 5) == b"hello"

    with TcpPeer(lambda data: data) as peer:
        talk(peer.resource, story)


def test_closing_wakes_a_reader() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        async def read() -> None:
            with pytest.raises(LinkClosed):
                await pipe.read(60.0)

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await clock.link.sleep(0.001)
            await pipe.close()
            await pipe.close()

    with TcpPeer(lambda data: data) as peer:
        talk(peer.resource, story)


@pytest.mark.parametrize("resource", [
    "", "127.0.0.1:502", "tcp://", "tcp://host", "tcp://host:0", "tcp://host:99999", "tcp://host:1/path", "udp://host:1",
    "serial://", "serial:///dev/ttyUSB0?baud=fast", "serial:///dev/ttyUSB0?colour=red", "serial:///dev/x?parity=Q",
    "serial:///dev/x?flow=water",
    "visa://", "mem://neware",
])  # fmt: skip
def test_a_resource_that_cannot_be_is_refused_with_examples(resource: str) -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(UserInputError, match="tcp://192"):
            open_transport(resource, clock)

    run_with_clock(ClockSpec(), main)


def test_in_jump_mode_only_memory_links_can_be_opened() -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(UserInputError, match="jump"):
            open_transport("tcp://127.0.0.1:502", clock)

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)
