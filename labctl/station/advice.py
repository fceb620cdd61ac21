"""Which early warnings of a run people have been told, kept in its folder: none is lost or told twice by a restart.

After a restart the warnings are found once more, from the stored rows. What is in ``advice.jsonl`` then was told
before; all else was found by nobody yet, or the process ended before it could tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labctl.clock import Clock
from labctl.engine.machines.findings import Finding
from labctl.errors import StoreError
from labctl.store.lines import read_lines
from labctl.store.linewriter import LineWriter
from labctl.store.root import DataRoot
from labctl.worker import Worker

ADVICE = "advice.jsonl"
"""A file of its own in the run's folder, because the engine alone writes the others."""


class Advice:
    """What was told of each run that goes on. Used on the event loop; ``reader`` does the reading and writing."""

    def __init__(self, root: DataRoot, reader: Worker, clock: Clock) -> None:
        self._root = root
        self._reader = reader
        self._clock = clock
        self._told: dict[str, set[str]] = {}
        self._unwritten: list[tuple[str, dict[str, Any]]] = []

    async def recall(self, run_id: str) -> None:
        """Read what an earlier process has told of a run. Raises: StoreError."""
        if run_id not in self._told:
            told = await self._reader.call(self._read, run_id)
            self._told[run_id] = told | {
                line["kind"] for waiting, line in self._unwritten if waiting == run_id
            }

    def _read(self, run_id: str) -> set[str]:
        path = self._root.run_folder(run_id) / ADVICE
        try:
            data = self._root.disk.read(path) if self._root.disk.size(path) is not None else b""
        except OSError as error:
            raise StoreError(f"Cannot read {path}: {error}") from error
        return {str(line.fields["kind"]) for line in read_lines(data, chained=True).lines}

    def news(self, run_id: str, findings: Iterable[Finding]) -> list[Finding]:
        """Return the warnings that nobody was told yet, each kind once a run, and take them as told from now on."""
        told, news = self._told.setdefault(run_id, set()), []
        for finding in findings:
            if finding.kind in told:
                continue
            told.add(finding.kind)
            news.append(finding)
            line = {
                "kind": finding.kind, "utc": self._clock.plant.utc().isoformat(), "sequence": finding.sequence,
                "text": finding.text,
            }  # fmt: skip
            self._unwritten.append((run_id, line))
        return news

    def forget(self, run_id: str) -> None:
        """Keep nothing of a run that is followed no more; what is not written yet still will be."""
        self._told.pop(run_id, None)

    async def write(self) -> None:
        """Make durable what was told. Raises: StoreError; it is kept for the next time."""
        while self._unwritten:
            run_id, line = self._unwritten[0]
            await self._reader.call(self._add, run_id, line)
            del self._unwritten[0]

    def _add(self, run_id: str, line: dict[str, Any]) -> None:
        try:
            advice = LineWriter(self._root.disk, self._root.run_folder(run_id) / ADVICE, chained=True)
            advice.add(line)
            advice.sync()
            advice.close()
        except OSError as error:
            raise StoreError(f"The advice on {run_id} could not be kept: {error}") from error
