"""The hand-written sessions judge the simulated instrument: what it answers, in which order, after which time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from labctl_simulators.bench import open_bench

FILE = Path(__file__).parent / "methodscript" / "transcripts.txt"
EXPONENTS = {"n": -9, "u": -6, "m": -3, " ": 0, "k": 3, "p": -12, "f": -15, "a": -18}
BENCH = {
    "labctl": "bench/1",
    "instruments": [],
    "potentiostats": [{"name": "ps", "model": "es4_hr", "dummy": "D1", "profile": "ideal"}],
}


def sessions() -> dict[str, list[tuple[str, str]]]:
    """Return the steps (kind, text) of each session by its title."""
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("session "):
            title = line.removeprefix("session ")
            found[title] = []
        elif line[:1] in (">", "<", "~"):
            found[title].append((line[0], line[2:]))
    return found


def value(text: str) -> float:
    return (int(text[:7], 16) - 2**27) * 10.0 ** EXPONENTS[text[7]]


def agrees(wanted: str, said: str) -> bool:
    """Tell whether a line is what the session asks: text, a regular expression, or a package by its numbers."""
    if wanted == "(empty)":
        return said == ""
    if not wanted.startswith("P"):
        parts = re.split(r"\{(.+?)\}", wanted)
        pattern = "".join(part if n % 2 else re.escape(part) for n, part in enumerate(parts))
        return re.fullmatch(pattern, said) is not None
    pairs = list(zip(wanted[1:].split(";"), said[1:].split(";"), strict=True))
    return all(
        one[:2] == other[:2]
        and one[10:] == other[10:]
        and value(other[2:10]) == pytest.approx(value(one[2:10]), rel=4e-6, abs=6e-8)
        for one, other in pairs
    )


@pytest.mark.parametrize("title", sessions())
def test_the_instrument_answers_as_the_session_says(title: str) -> None:
    bench = open_bench(BENCH)
    link = bench.connect("ps")
    said = b""
    for kind, text in sessions()[title]:
        if kind == ">":
            said += link.receive(text.encode() + b"\n")
        elif kind == "~":
            bench.advance_to(bench.now_s + float(text))
            said += link.receive(b"")
        else:
            line, _, said = said.partition(b"\n")
            assert agrees(text, line.decode()), f"wanted {text!r}, got {line!r}"
    assert said == b""
    truth = bench.admin({"do": "truth", "slot": "ps"})
    assert not truth["cell_on"] and not truth["running"]
