"""The byte-fault proxy of serial lines, on pseudo-terminals."""

from __future__ import annotations

import pytest

from labctl.clock import Clock
from labctl.errors import LinkClosed
from labctl.testing.byteserver import PtyPeer
from labctl.testing.proxy import PtyProxy
from labctl.testing.talk import ask, talk
from labctl.transport.base import Transport
from labctl.transport.faults import Fault, FaultKind, FaultPlan


def test_a_pty_proxy_passes_bytes_with_the_plans_faults() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        assert await ask(pipe, bytes(range(256)), 256) == bytes(range(256))
        assert await ask(pipe, b"hello", 5) == b"hemlo"

    faults = FaultPlan((Fault(FaultKind.GARBLE, exchange=2, byte=2, bit=0),))
    with PtyPeer(lambda data: data) as device, PtyProxy(device.path, faults) as proxy:
        talk(f"serial://{proxy.path}?baud=19200", story)
        assert [exchange for exchange, _ in proxy.fired] == [2]


def test_a_cut_serial_line_comes_back_under_another_name() -> None:
    async def story(pipe: Transport, clock: Clock) -> None:
        with pytest.raises(LinkClosed):
            await ask(pipe, b"hello", 5)

    with (
        PtyPeer(lambda data: data) as device,
        PtyProxy(device.path, FaultPlan((Fault(FaultKind.DROP, byte=2),))) as proxy,
    ):
        first = proxy.path
        talk(f"serial://{first}", story)

        async def again(pipe: Transport, clock: Clock) -> None:
            assert await ask(pipe, b"back", 4) == b"back"

        talk(f"serial://{proxy.path}", again)
