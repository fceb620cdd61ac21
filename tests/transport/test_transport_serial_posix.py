"""What a serial port does when its cable is pulled, on pseudo-terminals."""

from __future__ import annotations

import termios

import pytest
from serial.tools import list_ports

from labctl.clock import Clock
from labctl.errors import LinkClosed
from labctl.testing.byteserver import PtyPeer
from labctl.testing.talk import read_exactly, talk
from labctl.transport import open_transport
from labctl.transport.base import Transport


def test_a_serial_port_that_vanishes_is_link_closed() -> None:
    with PtyPeer(bytes) as terminal:

        async def story(pipe: Transport, clock: Clock) -> None:
            await pipe.write(b"x")
            assert await pipe.read(5.0) == b"x"
            terminal.hang_up()
            with pytest.raises(LinkClosed):
                await pipe.read(5.0)
            assert not pipe.is_open
            with pytest.raises(LinkClosed):
                await pipe.open(1.0)

        talk(f"serial://{terminal.path}", story)


def test_a_line_that_goes_while_the_last_byte_leaves_is_link_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """F01: the system then tells with an error of the terminal, which is no OSError."""

    def gone(descriptor: int) -> None:
        raise termios.error(5, "Input/output error")

    with PtyPeer(bytes) as terminal:

        async def story(pipe: Transport, clock: Clock) -> None:
            monkeypatch.setattr(termios, "tcdrain", gone)
            with pytest.raises(LinkClosed, match="Input/output error"):
                await pipe.write(b"x")
            assert not pipe.is_open

        talk(f"serial://{terminal.path}", story)


def test_a_serial_port_belongs_to_one_owner() -> None:
    with PtyPeer(bytes) as terminal:

        async def story(pipe: Transport, clock: Clock) -> None:
            second = open_transport(f"serial://{terminal.path}", clock)
            with pytest.raises(LinkClosed):
                await second.open(1.0)
            assert pipe.is_open

        talk(f"serial://{terminal.path}", story)


def test_an_adapter_is_found_by_its_serial_number_under_any_port_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F01: the port comes back under another name after the cable was pulled."""
    with PtyPeer(bytes) as terminal:

        class Found:
            serial_number = "A1B2"
            device = terminal.path

        monkeypatch.setattr(list_ports, "comports", lambda: [Found()])

        async def story(pipe: Transport, clock: Clock) -> None:
            await pipe.write(b"me")
            assert await read_exactly(pipe, 2) == b"me"

        talk("serial://usb?serial_number=A1B2&baud=19200", story)
