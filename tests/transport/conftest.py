"""Peers for the transport tests. Files ``*_posix.py`` need pseudo-terminals and are not collected on
Windows."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from labctl.testing.byteserver import PtyPeer, TcpPeer

POSIX = sys.platform != "win32"

collect_ignore_glob = [] if POSIX else ["*_posix.py"]


@pytest.fixture(params=["visa-socket", "serial", "visa-serial"] if POSIX else ["visa-socket"])
def blocking_resource(request: pytest.FixtureRequest) -> Iterator[str]:
    """Lead to an echoing peer over each kind of blocking link that this system has."""
    if request.param == "visa-socket":
        with TcpPeer(bytes) as peer:
            yield f"visa://TCPIP::127.0.0.1::{peer.port}::SOCKET"
        return
    with PtyPeer(bytes) as terminal:
        if request.param == "serial":
            yield f"serial://{terminal.path}?baud=19200"
        else:
            yield f"visa://ASRL{terminal.path}::INSTR?baud=19200"


@pytest.fixture
def echo() -> Iterator[TcpPeer]:
    """Serve a TCP peer that sends back what it gets."""
    with TcpPeer(bytes) as peer:
        yield peer
