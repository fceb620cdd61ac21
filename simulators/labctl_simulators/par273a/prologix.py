"""A Prologix GPIB-Ethernet box: lines that begin with ``++`` are for the box, all others go on the bus.

Several clients may be connected; what is set, the address above all, is one for the box. A read that finds nothing
waits for the instrument as long as ``++read_tmo_ms`` says; what its own client sends meanwhile waits, other clients
do not.
Source: potentiostat.md 2.4.8. That an unknown ``++`` word is ignored is our choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from labctl_simulators.methodscript.faults import LinkFaults
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.par273a.bus import BusDevice
from labctl_simulators.par273a.timers import Timer, Timers
from labctl_simulators.voice import Voice

ESCAPE, PLUS = 0x1B, 0x2B
LINE_MAX = 65536
HELD_MAX = 1000
"""Lines kept of a client that goes on sending while its read waits; what comes behind them is lost."""
VERSION = "Prologix GPIB-ETHERNET Controller version 01.06.06.00"
END_OF_LINE = b"\r\n"
SERVICE = 64
"""The bit of a status byte that asks for service."""
SETTINGS: Mapping[str, tuple[int, int, int]] = {
    "mode": (1, 0, 1),
    "auto": (0, 0, 1),
    "addr": (0, 0, 30),
    "eos": (0, 0, 3),
    "eoi": (1, 0, 1),
    "eot_enable": (0, 0, 1),
    "eot_char": (0, 0, 255),
    "read_tmo_ms": (500, 1, 3000),
    "savecfg": (1, 0, 1),
}
"""Default, smallest and largest value of each setting."""
EOS = (b"\r\n", b"\r", b"\n", b"")


def _number(operands: list[str]) -> int | None:
    """Return the first operand as a number, None where it is none."""
    return int(operands[0]) if operands and re.fullmatch(r"[0-9]{1,5}", operands[0]) else None


@dataclass(slots=True)
class Cutter:
    """Cuts a client's bytes into lines; ESC takes the meaning from the byte behind it."""

    line: bytearray = field(default_factory=bytearray)
    meant: int = 0
    escaped: bool = False

    def feed(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """Yield (is it for the box, the line without escapes)."""
        for byte in data:
            if self.escaped:
                self.line.append(byte)
                self.escaped = False
            elif byte == ESCAPE:
                self.escaped = True
            elif byte in b"\r\n":
                if self.line:
                    yield self.meant == 2, bytes(self.line)
                self.line.clear()
                self.meant = 0
            elif len(self.line) < LINE_MAX:
                if byte == PLUS and self.meant == len(self.line) < 2:
                    self.meant += 1
                self.line.append(byte)


@dataclass(slots=True)
class Client:
    """One connection to the box: its voice, and the read of the bus that it waits for."""

    link: ScriptLink
    voice: Voice
    cutter: Cutter = field(default_factory=Cutter)
    held: list[tuple[bool, bytes]] = field(default_factory=list)
    reading: BusDevice | None = None
    give_up: Timer | None = None


class Prologix:
    """One box with its bus: instruments by their primary addresses."""

    def __init__(self, bus: Mapping[int, BusDevice], timers: Timers, now_s: Callable[[], float]) -> None:
        self.bus = bus
        self.values = {word: default for word, (default, _, _) in SETTINGS.items()}
        self.faults = LinkFaults()
        self.on_lost: Callable[[], None] = lambda: None
        self._timers, self._now_s = timers, now_s
        self._clients: list[Client] = []

    # -- clients -------------------------------------------------------------------------------------------

    @property
    def owned(self) -> bool:
        """Tell whether anybody is connected."""
        return bool(self._clients)

    def connect(self) -> ScriptLink:
        """Open one more connection."""
        voice = Voice(self._now_s, self.faults)
        link = voice.connect(self)
        self._clients.append(Client(link, voice))
        return link

    def lost(self, link: ScriptLink) -> None:
        """Note that a connection has ended."""
        for client in self._clients:
            if client.link is link:
                client.voice.lost(link)
                self._over(client)
        self._clients = [client for client in self._clients if client.link is not link]
        self.on_lost()

    def hang_up(self) -> None:
        """End every connection, as without power."""
        for client in list(self._clients):
            client.voice.hang_up()

    def hear(self, link: ScriptLink, data: bytes) -> None:
        """Take bytes of a client."""
        client = next((each for each in self._clients if each.link is link), None)
        if client is not None:
            for line in client.cutter.feed(data):
                client.held.append(line)
                self._work(client)
            del client.held[HELD_MAX:]

    def _work(self, client: Client) -> None:
        while client.held and client.reading is None:
            for_box, line = client.held.pop(0)
            if for_box:
                self._command(client, line[2:].decode("latin-1").split())
            else:
                self._send(client, line)

    # -- the bus -------------------------------------------------------------------------------------------

    @property
    def _addressed(self) -> BusDevice | None:
        return self.bus.get(self.values["addr"])

    def _send(self, client: Client, line: bytes) -> None:
        device = self._addressed
        if device is not None:
            device.listen(line + EOS[self.values["eos"]], end=bool(self.values["eoi"]))
            if self.values["auto"]:
                self._read(client)

    def _read(self, client: Client) -> None:
        device = self._addressed
        if device is None:
            return
        if not device.coming:
            device.asked_in_vain()
        client.reading = device
        client.give_up = self._timers.start(self.values["read_tmo_ms"] * 1e-3, lambda: self._stop(client))
        self.serve()

    def _stop(self, client: Client) -> None:
        self._over(client)
        self._work(client)

    @staticmethod
    def _over(client: Client) -> None:
        if client.give_up is not None:
            client.give_up.over = True
        client.reading = client.give_up = None

    def serve(self) -> None:
        """Give the clients that wait what their instruments have to say by now."""
        for client in list(self._clients):
            said = None if client.reading is None else client.reading.talk()
            if said is not None:
                self._over(client)
                if self.values["eot_enable"]:
                    said += bytes([self.values["eot_char"]])
                client.voice.say(said)
                self._work(client)

    # -- words of the box ----------------------------------------------------------------------------------

    def _command(self, client: Client, words: list[str]) -> None:
        word, operands = (words[0].lower(), words[1:]) if words else ("", [])
        device = self._addressed
        if word in SETTINGS:
            self._set(client, word, operands)
        elif word == "read":
            self._read(client)  # every instrument of this bus ends its replies with EOI
        elif word == "spoll":
            asked = _number(operands)
            polled = device if asked is None else self.bus.get(asked)
            client.voice.say(str(0 if polled is None else polled.poll()).encode() + END_OF_LINE)
        elif word == "clr" and device is not None:
            device.clear()
        elif word == "ver":
            client.voice.say(VERSION.encode() + END_OF_LINE)
        elif word == "srq":
            wanted = any(each.poll() & SERVICE for each in self.bus.values())
            client.voice.say(str(int(wanted)).encode() + END_OF_LINE)

    def _set(self, client: Client, word: str, operands: list[str]) -> None:
        if not operands:
            client.voice.say(str(self.values[word]).encode() + END_OF_LINE)
            return
        _, low, high = SETTINGS[word]
        value = _number(operands)
        if value is not None and low <= value <= high:
            self.values[word] = value

    # -- time ----------------------------------------------------------------------------------------------

    def due_s(self) -> float:
        """Return when something late is said."""
        return min((client.voice.due_s() for client in self._clients), default=float("inf"))

    def step(self, now_s: float) -> None:
        """Say what was late, and what instruments have to say by now."""
        for client in list(self._clients):
            client.voice.say_late(now_s)
        self.serve()
