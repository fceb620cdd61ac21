"""A scripted chamber for the driver's tests: Modbus by hand, registers as a dictionary, no physics."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.testing.byteserver import PtyPeer, TcpPeer

OTHER_TABLE = """
schema = "labctl.chamber-registers/1"
name = "another maker"
unit = 1
word_order = "low word first"
[input]
temperature_degC = { address = 1000, type = "f32" }
state = { address = 1010, type = "u16" }
alarm = { address = 1011, type = "u16" }
followed_degC = { address = 1020, type = "f32" }
[holding]
setpoint_degC = { address = 200, type = "f32", low = -40, high = 150 }
ramp_K_per_min = { address = 210, type = "f32", low = 0.1, high = 10 }
on = { address = 220, type = "u16", low = 0, high = 1 }
[states]
off = 0
on = 1
alarm = 2
[alarms]
1 = "over-temperature guard"
2 = "sensor"
3 = "door open longer than 10 min"
[plausible_degC]
low = -80
high = 250
"""

STANDARD = {"state": 0, "alarm": 1, "temperature": 2, "followed": 4, "on": 0, "setpoint": 2, "ramp": 4}
OTHER = {
    "state": 1010,
    "alarm": 1011,
    "temperature": 1000,
    "followed": 1020,
    "on": 220,
    "setpoint": 200,
    "ramp": 210,
}


def crc(data: bytes) -> bytes:
    """Return the CRC-16 of Modbus over Serial Line 6.2.2, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return bytes([value & 0xFF, value >> 8])


class ScriptedChamber:
    """Holds registers and answers functions 3, 4, 6 and 16 of unit 1. ``spoil`` may change what is
    written."""

    def __init__(
        self, *, rtu: bool = False, places: dict[str, int] = STANDARD, low_first: bool = False
    ) -> None:
        self.rtu = rtu
        self.places = places
        self.low_first = low_first
        self.inputs: dict[int, int] = {}
        self.holdings: dict[int, int] = {}
        self.written: list[tuple[str, float]] = []
        self.spoil: Callable[[str, float], float] = lambda name, value: value
        self._rest = b""
        for name, value in (("state", 0), ("alarm", 0)):
            self.inputs[places[name]] = value
        self.put("temperature", 23.0)
        self.put("followed", 25.0)
        self.holdings[places["on"]] = 0
        if places is STANDARD:
            self.holdings[1] = 0
        self.put("setpoint", 25.0)
        self.put("ramp", 2.0)

    def put(self, name: str, value: float) -> None:
        """Set a float quantity, as the controller or a person at the panel would."""
        table = self.inputs if name in ("temperature", "followed") else self.holdings
        words = struct.unpack(">HH", struct.pack(">f", value))
        at = self.places[name]
        table[at], table[at + 1] = words[::-1] if self.low_first else words

    def get(self, name: str) -> float:
        """Return a float quantity of the holding registers."""
        at = self.places[name]
        words = (self.holdings[at], self.holdings[at + 1])
        return float(struct.unpack(">f", struct.pack(">HH", *(words[::-1] if self.low_first else words)))[0])

    @property
    def is_on(self) -> bool:
        return bool(self.holdings[self.places["on"]])

    def connected(self) -> ScriptedChamber:
        """Begin a connection: half a request from an earlier one is forgotten."""
        self._rest = b""
        return self

    def receive(self, data: bytes) -> bytes:
        """Answer every whole request in what has come."""
        self._rest += data
        replies = b""
        while (cut := self._cut()) is not None:
            head, request = cut
            answer = bytes([1]) + self._answer(request)
            replies += (
                answer + crc(answer) if self.rtu else head + struct.pack(">HH", 0, len(answer)) + answer
            )
        return replies

    def _cut(self) -> tuple[bytes, bytes] | None:
        if self.rtu:
            size = 8 if self._rest[1:2] != b"\x10" else 9 + self._rest[6] if len(self._rest) > 6 else 9
            frame, head = self._rest[:size], b""
            if len(frame) == size:
                assert frame[:1] == b"\x01" and crc(frame[:-2]) == frame[-2:]
            body = frame[1:-2]
        else:
            size = 6 + int.from_bytes(self._rest[4:6], "big") if len(self._rest) > 5 else 99
            frame, head = self._rest[:size], self._rest[:2]
            body = frame[7:]
        if len(frame) < size or not self._rest:
            return None
        self._rest = self._rest[size:]
        return head, body

    def _answer(self, request: bytes) -> bytes:
        function, address, number = struct.unpack(">BHH", request[:5])
        try:
            if function in (3, 4):
                table = self.holdings if function == 3 else self.inputs
                words = [table[address + index] for index in range(number)]
                return bytes([function, 2 * number]) + struct.pack(f">{number}H", *words)
            values = [number] if function == 6 else list(struct.unpack(f">{number}H", request[6:]))
            self._write(address, values)
            return request[:5]
        except KeyError:
            return bytes([function | 0x80, 2])
        except ValueError:
            return bytes([function | 0x80, 3])

    def _write(self, address: int, values: list[int]) -> None:
        name = next(name for name in ("on", "setpoint", "ramp") if self.places[name] == address)
        if name == "on":
            if values[0] > 1:
                raise ValueError
            self.written.append(("on", values[0]))
            self.holdings[address] = int(self.spoil("on", values[0]))
            self.inputs[self.places["state"]] = self.holdings[address]
            return
        words = values[::-1] if self.low_first else values
        value = float(struct.unpack(">f", struct.pack(">HH", *words))[0])
        if name == "setpoint" and not -40 <= value <= 150:
            raise ValueError
        self.written.append((name, value))
        self.put(name, self.spoil(name, value))


class Place:
    """A scripted chamber with the resource and the options that lead to it."""

    def __init__(self, chamber: ScriptedChamber, resource: str, options: dict[str, Any]) -> None:
        self.chamber = chamber
        self.resource = resource
        self.options = {"reply_timeout_s": 5.0, **options}


KINDS = ["tcp", "other-table"] if sys.platform == "win32" else ["tcp", "rtu", "other-table"]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Offer the same chamber over TCP, RTU on a pseudo-terminal, and with another map (TC-12)."""
    if request.param == "rtu":
        chamber = ScriptedChamber(rtu=True)
        with PtyPeer(chamber.receive) as terminal:
            yield Place(chamber, f"serial://{terminal.path}", {})
        return
    options: dict[str, Any] = {}
    chamber = ScriptedChamber()
    if request.param == "other-table":
        path = tmp_path / "other.toml"
        path.write_text(OTHER_TABLE, encoding="utf-8")
        options = {"table": str(path)}
        chamber = ScriptedChamber(places=OTHER, low_first=True)
    with TcpPeer(chamber.receive) as peer:
        yield Place(chamber, peer.resource, options)


@pytest.fixture
def scripted() -> type[ScriptedChamber]:
    """Return the class of scripted chambers, for tests that bring their own link."""
    return ScriptedChamber
