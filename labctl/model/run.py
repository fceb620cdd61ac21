"""Runs as clients see them: a line of the list, and everything about one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labctl.model.ids import ChannelId, RunId
from labctl.model.job import Forecast, JobId


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list. ``state`` is that of ``run.json``; ``phase`` is finer and empty when nobody follows it."""

    run_id: RunId
    cell_id: str
    cell_name: str
    channel: ChannelId
    protocol: str
    state: str
    outcome: str = ""
    reason: str = ""
    phase: str = ""
    started_utc: str = ""
    cycle: int = 0
    cycles: int = 0
    rows: int = 0
    test_time_s: float = 0.0
    voltage_V: float = float("nan")
    current_A: float = float("nan")
    sentence: str = ""
    end_sequence: int | None = None
    job_id: JobId | None = None
    ends: Forecast | None = None


@dataclass(frozen=True, slots=True)
class RunRevision:
    """One version of a run's program: which rows it made, who took it over, when and why."""

    revision: int
    from_sequence: int
    protocol_name: str
    protocol_hash: str
    by: str
    utc: str
    reason: str
    protocol_text: str = ""


@dataclass(frozen=True, slots=True)
class RunNote:
    """What a person wrote to a run."""

    utc: str
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class RunDetail:
    """Everything about one run but its rows. ``manifest`` is ``run.json``; ``sentences`` tells the program in words."""

    summary: RunSummary
    manifest: dict[str, Any]
    sentences: tuple[str, ...]
    revisions: tuple[RunRevision, ...]
    notes: tuple[RunNote, ...]
    folder: str
