"""The hand-written sessions judge the simulated VersaSTAT: what its bridge answers, and after which time."""

from __future__ import annotations

import json
import shlex
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest
from labctl_simulators.bench import open_bench

FILE = Path(__file__).parent / "versastat" / "transcripts.txt"
ENTRY = {
    "name": "ps", "kind": "versastat", "model": "parstat4000a", "dummy": "D1", "profile": "ideal", "serial": "4711",
}  # fmt: skip


def sessions() -> dict[str, list[tuple[str, str]]]:
    """Return the steps (kind, text) of each session by its title."""
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("session "):
            title = line.removeprefix("session ")
            found[title] = []
        elif line[:1] in (">", "<", "!", "~"):
            found[title].append((line[0], line[2:]))
    return found


def call_of(text: str) -> bytes:
    """Return the HTTP request of a call as written."""
    method, *words = shlex.split(text)
    parameters = tuple(
        json.loads(word) if word.lstrip("-").replace(".", "").isdigit() else word for word in words
    )
    body = xmlrpc.client.dumps(parameters, method).encode()
    head = f"POST /VersaStatServer.rem HTTP/1.1\r\nX-Labctl-Client: a\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def answered(data: bytes) -> tuple[str, Any]:
    """Return ``<`` and a result, or ``!`` and the code of a fault."""
    try:
        return "<", xmlrpc.client.loads(data.partition(b"\r\n\r\n")[2])[0][0]
    except xmlrpc.client.Fault as fault:
        return "!", fault.faultCode


@pytest.mark.parametrize("title", sessions())
def test_the_bridge_answers_as_the_session_says(title: str) -> None:
    bench = open_bench({"labctl": "bench/1", "instruments": [], "potentiostats": [ENTRY]})
    link, last = bench.connect("ps"), ""
    said: tuple[str, Any] = ("", None)
    for kind, text in sessions()[title]:
        if kind == ">":
            last, said = text, answered(link.receive(call_of(text)))
        elif kind == "~":
            bench.advance_to(bench.now_s + float(text))
        else:
            wanted = json.loads(text)
            numeric = isinstance(wanted, float | list)
            same = said[1] == (pytest.approx(wanted, rel=1e-6, abs=1e-12) if numeric else wanted)
            assert said[0] == kind and same and isinstance(said[1], type(wanted)), (
                f"{last}: {said}, wanted {text}"
            )
    truth = bench.admin({"do": "truth", "slot": "ps"})
    assert not truth["cell_on"] and not truth["running"] and bench.violations == []
