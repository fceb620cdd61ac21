"""A VersaSTAT on a bench in this process, called through its bridge's bytes by the standard library's codec."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import Bench, open_bench

NOTHING = ""
SPECTRUM = "{first},{last},{amplitude},LOGARITHMIC,{points},1,0,{bias},VS REF,{range},AUTO,{leave},EXTERNAL,AUTO,AUTO"
Column = np.ndarray[Any, np.dtype[np.float64]]


def request(body: bytes, verb: str = "POST", path: str = "/VersaStatServer.rem", **headers: str) -> bytes:
    """Return the bytes of an HTTP request; ``_`` in a header's name stands for ``-``."""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{verb} {path} HTTP/1.1\r\n{named}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Link:
    """One connection of one client."""

    def __init__(self, bench: Bench, client: str, token: str) -> None:
        self.link = bench.connect("ps")
        self.headers = {"X_Labctl_Client": client}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, *parameters: Any) -> bytes:
        """Send a call and return the bytes that come at once."""
        body = xmlrpc.client.dumps(parameters, method).encode()
        return self.link.receive(request(body, **self.headers))

    def __call__(self, method: str, *parameters: Any) -> Any:
        """Call and return the result. Raises: xmlrpc.client.Fault."""
        return result(self.send(method, *parameters))


def result(data: bytes) -> Any:
    """Return the result of one answer."""
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    return xmlrpc.client.loads(body)[0][0]


class Versastat:
    """A bench with one VersaSTAT ``ps`` and a client that keeps its lease."""

    def __init__(self, spec: Mapping[str, Any], token: str, *, ready: bool) -> None:
        self.bench: Bench = open_bench(spec)
        self.token = token
        self.call = Link(self.bench, "a", token)
        if ready:
            self.call("BridgeLease", 600)
            self.call("Connect", self.call("FindNext", 0))

    def client(self, name: str = "a") -> Link:
        return Link(self.bench, name, self.token)

    def wait(self, seconds: float) -> None:
        self.bench.advance_to(self.bench.now_s + seconds)

    def run(self, *actions: Sequence[str]) -> None:
        """Add actions (name, string), start, and wait for the end."""
        self.call("Clear")
        for action in actions:
            assert self.call(f"Add{action[0]}", *action[1:]) is True, action
        self.call("Start")
        self.wait(0.5)
        while self.bench.parts.potentiostats["ps"].running:
            self.wait(5.0)
            self.call("BridgeLease", 600)

    def columns(self, *names: str) -> list[Column]:
        """Return whole columns of the data."""
        return [np.array(self.call(f"GetData{name}", 0, 100_000), dtype=np.float64) for name in names]

    @property
    def spectrum(self) -> tuple[Column, np.ndarray[Any, Any]]:
        """Return frequency and impedance of the points that have a frequency."""
        f_Hz, real, imaginary = self.columns("Frequency", "ImpedanceReal", "ImpedanceImaginary")
        at = f_Hz > 0.0
        return f_Hz[at], (real + 1j * imaginary)[at]

    def truth(self) -> dict[str, Any]:
        return self.bench.admin({"do": "truth", "slot": "ps"})

    def admin(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.bench.admin({"do": do, **fields})

    def fault(self, kind: str, **fields: Any) -> None:
        reply = self.admin("fault", instrument="ps", kind=kind, **fields)
        assert reply["ok"], reply

    @property
    def violations(self) -> list[str]:
        return [entry["kind"] for entry in self.bench.violations]


def bench_of(
    cells: Sequence[Mapping[str, Any]] = (), chambers: Sequence[Mapping[str, Any]] = (), **entry: Any
) -> dict[str, Any]:
    """Return a bench with a cycler of two channels and the VersaSTAT ``ps`` without errors."""
    usual = {"name": "ps", "kind": "versastat", "model": "parstat4000a", "profile": "ideal"}
    cycler = {"name": "neware", "profile": "ideal", "units": [{"unit": 1, "model": "5V10mA", "channels": 2}]}
    return {
        "labctl": "bench/1",
        "seed": 7,
        "instruments": [cycler],
        "cells": list(cells),
        "chambers": list(chambers),
        "potentiostats": [{**usual, **entry}],
    }


@pytest.fixture
def versastat() -> Callable[..., Versastat]:
    """Return a maker; keywords are keys of the potentiostat's entry and ``cells``; ``ready=False`` takes no lease."""
    return lambda ready=True, token="", **keys: Versastat(
        bench_of(**keys, **({"token": token} if token else {})), token, ready=ready
    )


@pytest.fixture
def peis() -> Callable[..., tuple[str, str]]:
    """Return a maker of spectrum actions."""

    def action(**values: object) -> tuple[str, str]:
        usual = {"first": "1000000", "last": "0.1", "amplitude": "0.01", "points": 10, "bias": 0, "range": "AUTO",
                 "leave": "NO"}  # fmt: skip
        return "EISPotentiostatic", SPECTRUM.format(**{**usual, **values})

    return action
