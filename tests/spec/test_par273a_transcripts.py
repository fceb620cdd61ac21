"""The hand-written sessions judge the simulated 273A, its analysers, its links and the multiplexer, byte by byte."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from labctl_simulators.bench import open_bench

FILE = Path(__file__).parent / "par273a" / "transcripts.txt"
LINKS = {"par": "par", "ser": "ser", "net": "ser:lockin", "mux": "mux"}
IDEAL = {"kind": "par273a", "model": "273A", "profile": "ideal"}
BENCH = {
    "labctl": "bench/1",
    "instruments": [],
    "potentiostats": [
        {**IDEAL, "name": "par", "dummy": "D1", "lockin": "7270", "fra": "1260"},
        {**IDEAL, "name": "ser", "dummy": "D1", "lockin": "7270", "link": "pty"},
        {"name": "ps", "model": "es4_hr"},
    ],
    "multiplexers": [{"name": "mux", "potentiostat": "ps", "places": [{"place": 1, "dummy": "D1"}]}],
}
NUMBERS = r"([+-][0-9.]+E[+-]\d\d|[+-]?[0-9.]+E[+-]\d\d)"


def sessions() -> dict[str, list[tuple[str, str]]]:
    """Return the steps (kind, text) of each session by its link and title."""
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("session "):
            title = line.removeprefix("session ")
            found[title] = []
        elif line[:1] in (">", "<", "~"):
            found[title].append((line[0], line[2:]))
    return found


def unescaped(text: str) -> str:
    """Return a text with its escapes meant."""
    named = {"r": "\r", "n": "\n", "0": "\0", "e": "\x1b"}
    parts = re.split(r"\\(x[0-9a-f]{2}|[rn0e])", text)
    meant = [named[part] if part in named else chr(int(part[1:], 16)) for part in parts[1::2]]
    return "".join(plain + special for plain, special in zip(parts[::2], [*meant, ""], strict=True))


def agrees(wanted: str, said: str) -> bool:
    """Tell whether all that came is what the session asks."""
    pattern, pairs = "", list[complex]()
    for number, part in enumerate(re.split(r"\{(.+?)\}(?!\})", wanted)):
        if number % 2 == 0:
            pattern += re.escape(unescaped(part))
        elif part.startswith("Z "):
            pairs.append(complex(*map(float, part.split()[1:])))
            pattern += f"{NUMBERS},{NUMBERS}"
        else:
            pattern += f"(?:{part})"
    match = re.fullmatch(pattern, said)
    if match is None:
        return False
    numbers = [float(text) for text in match.groups()]
    told = [complex(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    return all(abs(a - b) <= 1e-4 * abs(b) for a, b in zip(told, pairs, strict=True))


@pytest.mark.parametrize("title", sessions())
def test_the_instruments_answer_as_the_session_says(title: str) -> None:
    bench = open_bench(BENCH)
    link: Any = bench.connect(LINKS[title.split()[0]])
    said = b""
    for kind, text in sessions()[title]:
        if kind == ">":
            said += link.receive(unescaped(text).encode("latin-1"))
        elif kind == "~":
            bench.advance_to(bench.now_s + float(text))
            said += link.receive(b"")
        else:
            assert agrees(text, said.decode("latin-1")), f"wanted {text!r}, got {said!r}"
            said = b""
    assert said == b"" and bench.violations == []
    assert not any(bench.admin({"do": "truth", "slot": name})["cell_on"] for name in ("par", "ser"))
