"""A scripted admin port, for tests of the lockstep clock without a bench."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from labctl.clock import ClockMode, ClockSpec


class ScriptedBench:
    """An admin port that grants everything. Serves one connection after the other."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests: list[dict[str, Any]] = []
        self.plant_s = 100.0
        self.over = False
        self.speed: object = "max"
        self.close_at_grant = 0
        self.refuse_lead = False
        self.short_grant = False
        self.hold = threading.Event()
        self.hold.set()
        self.granting = threading.Event()
        self.lost = threading.Event()

    def serve(self) -> None:
        while not self.over:
            connection, _ = self.listener.accept()
            with (
                suppress(OSError),  # a client may leave without waiting for its answer
                connection,
                connection.makefile("rw", encoding="utf-8", newline="\n") as lines,
            ):
                self._talk(lines)
            self.lost.set()

    def _talk(self, lines: Any) -> None:
        for line in lines:
            request = json.loads(line)
            self.requests.append(request)
            reply = self.reply(request)
            if reply is None:
                return
            lines.write(json.dumps(reply) + "\n")
            lines.flush()

    def reply(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if request["do"] == "hello":
            return {"ok": True, "epoch_unix_s": 1_767_225_600.0, "plant_s": self.plant_s, "mode": "lockstep",
                    "speed": self.speed, "seed": 1}  # fmt: skip
        if request["do"] == "lead":
            return {"ok": False, "error": "another station leads"} if self.refuse_lead else {"ok": True}
        if request["do"] == "pace":
            return {"ok": True, "speed": request["speed"]}
        self.granting.set()
        self.hold.wait()
        if self.close_at_grant and len(self.grants()) >= self.close_at_grant:
            return None
        self.plant_s = request["until_s"] - (1.0 if self.short_grant else 0.0)
        return {"ok": True, "plant_s": self.plant_s}

    def grants(self) -> list[float]:
        return [request["until_s"] for request in self.requests if request["do"] == "grant"]

    def spec(self, **fields: Any) -> ClockSpec:
        return ClockSpec(mode=ClockMode.LOCKSTEP, admin=self.address, **fields)


@contextmanager
def scripted_bench() -> Iterator[ScriptedBench]:
    """Serve a scripted bench in a thread for the length of a block."""
    bench = ScriptedBench()
    thread = threading.Thread(target=bench.serve)
    thread.start()
    try:
        yield bench
    finally:
        bench.over = True
        bench.hold.set()
        # wakes accept() on every platform; closing the listener alone does not
        socket.create_connection(bench.listener.getsockname()).close()
        bench.listener.close()
        thread.join()
