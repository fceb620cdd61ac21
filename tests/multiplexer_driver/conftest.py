"""A tiny box of relays for the driver's tests, by the lines of the specification; it knows no time of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from labctl_drivers.multiplexer import create

from labctl.clock import Clock
from labctl.interfaces.switch import CellSwitch, Path, Source
from labctl.testing.switchconformance import RelayAct, SwitchSetup
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.memory import MemoryTransport

SOURCES = {"1": Source.CYCLER, "2": Source.POTENTIOSTAT}


@dataclass
class TinyBox:
    """``answer`` may replace what is answered: faults."""

    now_s: Callable[[], float] = lambda: 0.0
    identity: str = "labctl,MUX8,TINY0001,1.0"
    answer: Callable[[str, str], str] | None = None
    closed: set[Path] = field(default_factory=set)
    welded: set[Path] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)
    acts: list[RelayAct] = field(default_factory=list)
    rest: bytes = b""

    def receive(self, data: bytes) -> bytes:
        *lines, self.rest = (self.rest + data).split(b"\n")
        return "".join(self._said(line.decode()) for line in lines).encode()

    def power_up(self) -> None:
        for path in sorted(self.closed):
            self.turn(path, False)

    def turn(self, path: Path, closed: bool) -> None:
        if path not in self.welded and (path in self.closed) != closed:
            (self.closed.add if closed else self.closed.discard)(path)
            self.acts.append(RelayAct(self.now_s(), path, closed))

    def _said(self, line: str) -> str:
        self.heard.append(line)
        right = self._right(line)
        return right if self.answer is None else self.answer(line, right)

    def _right(self, line: str) -> str:
        if line == "*IDN?":
            return f"{self.identity}\n"
        if line == "ROUT:OPEN:ALL":
            self.power_up()
            return ""
        found = re.fullmatch(r"ROUT:(OPEN|CLOS)(\??) \(@([12])(\d\d)\)", line)
        assert found is not None, line
        word, asks, hundreds, place = found.groups()
        path = Path(int(place), SOURCES[hundreds])
        if asks:
            return f"{int(path in self.closed)}\n"
        self.turn(path, word == "CLOS")
        return ""


class TinyRig:
    """The driver on a tiny box."""

    def __init__(self, box: TinyBox, clock: Clock, options: dict[str, object]) -> None:
        self.box = box
        box.now_s = clock.plant.now_s
        self.pipe = TappedPipe(MemoryTransport(box, clock, "mux"), clock)
        self.switch: CellSwitch = create("mux", "mem://mux", options, clock, lambda resource: self.pipe)

    def acts(self) -> list[RelayAct]:
        return self.box.acts

    def sent(self) -> int:
        return self.pipe.sent

    def weld(self, path: Path) -> None:
        self.box.welded.add(path)

    def power_up(self) -> None:
        self.box.power_up()
        self.pipe.cut()

    def cut(self) -> None:
        self.pipe.cut()

    def hang(self, hung: bool) -> None:
        self.pipe.hung = hung


@pytest.fixture
def tiny_box() -> type[TinyBox]:
    """Return the class of a tiny box."""
    return TinyBox


@pytest.fixture
def tiny_rig() -> Callable[..., TinyRig]:
    """Return a maker of a driver on a tiny box, on a clock."""

    def make(clock: Clock, box: TinyBox | None = None, **options: object) -> TinyRig:
        return TinyRig(box or TinyBox(), clock, options)

    return make


@pytest.fixture
def tiny_setup() -> Callable[[], SwitchSetup]:
    """Return what makes a fresh setup with a tiny box."""
    return lambda: SwitchSetup(lambda clock: TinyRig(TinyBox(), clock, {}))
