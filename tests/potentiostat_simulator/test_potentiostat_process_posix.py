"""A served potentiostat on TCP and on a pseudo terminal: the same bytes, the quiet time on the link's clock."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labctl.testing.sim import running_bench

BENCH = """\
labctl: bench/1
instruments: []
potentiostats:
  - {name: net, model: es4_hr, dummy: D1, profile: ideal}
  - {name: line, model: es4_hr, dummy: D1, profile: ideal, link: pty}
"""


def until_end(read: Callable[[], bytes], send: Callable[[bytes], Any], text: str) -> list[str]:
    """Send a script and read to the empty line."""
    send(text.encode())
    said = b""
    while not said.endswith(b"\n\n"):
        part = read()
        assert part, said
        said += part
    return said.decode().split("\n")


def answered(client: socket.socket) -> bytes:
    """Ask for the serial number until the instrument hears again."""
    client.settimeout(0.1)
    for _ in range(100):
        client.sendall(b"i\n")
        try:
            return client.recv(4096)
        except TimeoutError:
            continue
    raise AssertionError("it never heard again")


@pytest.mark.slow
def test_tcp_and_pty_say_the_same_hear_again_after_an_error_and_come_back_elsewhere(
    tmp_path: Path, spectrum: Any
) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text(BENCH, "utf-8")
    script = f"e\n{spectrum(last='10', points=15)}\n"
    with running_bench("--bench", str(file), "--speed", "20") as bench:
        net, line = bench.instrument("net"), bench.instrument("line")
        assert net["kind"] == line["kind"] == "methodscript" and line["model"] == "es4_hr"
        with socket.create_connection((net["host"], net["port"]), timeout=20) as client:
            client.sendall(b"Xyz\ni\n")
            assert client.recv(64) == b"X!0003\n"
            assert answered(client).startswith(b"iES4_HR")
            client.settimeout(20)
            over_tcp = until_end(lambda: client.recv(4096), client.sendall, script)
        terminal = os.open(line["path"], os.O_RDWR | os.O_NOCTTY)
        try:
            over_pty = until_end(
                lambda: os.read(terminal, 4096), lambda data: os.write(terminal, data), script
            )
            bench.admin("fault", instrument="line", kind="power_cut")
            assert os.read(terminal, 4096) == b""  # the line has hung up
            elsewhere = bench.admin("truth", slot="line")["path"]
            assert elsewhere != line["path"]
        finally:
            os.close(terminal)
        again = os.open(elsewhere, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(again, b"i\n")
            assert os.read(again, 4096).startswith(b"iES4_HR")
        finally:
            os.close(again)
    points = [text for text in over_tcp if text.startswith("P")]
    assert len(points) == 15 and points == [text for text in over_pty if text.startswith("P")]
