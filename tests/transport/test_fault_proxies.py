"""The byte-fault proxies on real sockets mean what the plan says."""

from __future__ import annotations

import pytest

from labctl.clock import Clock
from labctl.errors import LinkClosed, LinkTimeout
from labctl.testing.byteserver import TcpPeer
from labctl.testing.proxy import TcpProxy
from labctl.testing.talk import ask, talk
from labctl.transport.base import Transport
from labctl.transport.faults import Fault, FaultKind, FaultPlan, Side


def _through(peer: TcpPeer, *faults: Fault) -> TcpProxy:
    return TcpProxy("127.0.0.1", peer.port, FaultPlan(faults))


def test_without_faults_the_proxy_passes_everything(echo: TcpPeer) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        for number in range(20):
            request = b"request %02d" % number
            assert await ask(pipe, request, 10) == request

    with _through(echo) as proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)
        assert proxy.exchanges == 20
        assert proxy.fired == []


def test_a_drop_cuts_the_reply_and_refuses_as_long_as_told(echo: TcpPeer) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert await ask(pipe, b"one", 3) == b"one"
        with pytest.raises(LinkClosed):
            await ask(pipe, b"three", 5)
        await pipe.open()
        with pytest.raises(LinkClosed):
            await ask(pipe, b"refused", 7)
        await pipe.open()
        assert await ask(pipe, b"back", 4) == b"back"

    with _through(echo, Fault(FaultKind.DROP, exchange=2, byte=2, opens_refused=1)) as proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)
        assert [exchange for exchange, _ in proxy.fired] == [2]


def test_a_dropped_request_does_not_reach_the_server(echo: TcpPeer) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await ask(pipe, b"START", 5)

    with _through(echo, Fault(FaultKind.DROP, side=Side.REQUEST)) as proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)
    assert bytes(echo.received) == b""


def test_a_hang_is_silence_after_its_byte(echo: TcpPeer) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        await pipe.write(b"hello")
        assert await pipe.read(5.0) == b"he"
        with pytest.raises(LinkTimeout):
            await pipe.read(0.05)
        await pipe.open()
        assert await ask(pipe, b"back", 4) == b"back"

    with _through(echo, Fault(FaultKind.HANG, byte=2)) as proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (Fault(FaultKind.SPLIT, byte=1, size=2), b"hello"),
        (Fault(FaultKind.GARBLE, byte=1, bit=0), b"hdllo"),
        (Fault(FaultKind.DUPLICATE), b"hellohello"),
        (Fault(FaultKind.LATE, delay_s=0.05), b"hello"),
        (Fault(FaultKind.MERGE), b"hello"),
    ],
)
def test_the_other_kinds_change_bytes_or_time_and_keep_the_connection(
    echo: TcpPeer, fault: Fault, reply: bytes
) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert await ask(pipe, b"hello", len(reply)) == reply
        assert await ask(pipe, b"next", 4) == b"next"

    with _through(echo, fault) as proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)
        assert [exchange for exchange, _ in proxy.fired] == [1]


def test_a_server_that_closes_closes_the_client_too() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await ask(pipe, b"bye", 3)

    with TcpPeer(lambda data: None) as peer, _through(peer) as proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)


def test_nobody_behind_the_proxy_is_a_closed_connection(echo: TcpPeer) -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await ask(pipe, b"hello", 5)

    with TcpPeer(bytes) as gone:
        proxy = _through(gone)
    with proxy:
        talk(f"tcp://127.0.0.1:{proxy.port}", story)
