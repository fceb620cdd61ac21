"""Protocols of a station as people choose, save and check them: entries, revisions, problems, steps, sketches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import JobId, JobState

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class ProtocolInfo:
    """A protocol of the station's library.

    ``pack`` names the installed package it came with; such a protocol is ``read_only``: copy it under another name.
    Those that people saved have a ``revision``, counted from 1, with who saved it and when.
    """

    name: str
    title: str
    description: str
    pack: str
    problem: str = ""
    read_only: bool = True
    revision: int = 0
    by: str = ""
    utc: str = ""
    digest: str = ""
    """SHA-256 of the text."""


@dataclass(frozen=True, slots=True)
class ProtocolText:
    """A protocol of the library with its text."""

    name: str
    title: str
    text: str
    protocol_hash: str
    sentences: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = True
    revision: int = 0
    by: str = ""
    utc: str = ""
    digest: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProtocolRevision:
    """One saved version of a protocol: who, when, why, and from which one it was made. ``source`` names a template."""

    name: str
    revision: int
    by: str
    utc: str
    digest: str
    title: str
    note: str = ""
    based_on: int = 0
    source: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ProtocolUse:
    """A job that waits or runs with a revision of a protocol, and stays on it; ``revision`` 0: a ready-made one."""

    revision: int
    job_id: JobId
    state: JobState
    cell_id: CellId
    channel: ChannelId | None = None
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class ProtocolProblem:
    """One thing that is wrong or odd in a protocol's text.

    ``line`` and ``column`` count from 1, None where it is about the whole; ``path`` is the field as
    ``steps[2].until.voltage``. ``fix`` is empty where the checker knows none.
    """

    problem: str
    fix: str = ""
    line: int | None = None
    column: int | None = None
    path: str = ""
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class StepFigures:
    """One step of a text in the order of the text: what it does in words, and its absolute values for a cell.

    ``kind`` is the word of the file: rest, charge, discharge, hold, repeat, if... ``current_A`` and
    ``end_current_A`` are sizes without sign, NaN where the step has none or the cell does not tell.
    """

    path: str
    line: int
    depth: int
    kind: str
    sentence: str
    label: str = ""
    current: str = ""
    """As the text says it: ``C/20``."""
    current_A: float = NAN
    end_current_A: float = NAN
    capacity_Ah: float = NAN


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check of a protocol found. ``sentences`` tells it in words; times are None where nothing was bound.

    ``channel`` is the one that it was bound to, empty where it was not bound.
    """

    ok: bool
    name: str
    protocol_hash: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    duration_s: float | None = None
    rows: int | None = None
    problems: tuple[ProtocolProblem, ...] = ()
    steps: tuple[StepFigures, ...] = ()
    review: tuple[str, ...] = ()
    """Lines of the start review: absolute currents beside mA/cm2, mA/g and C-rate, limits, needs."""
    channel: str = ""
    longest_s: float | None = None
    bytes_on_disk: int | None = None
    cycles: int | None = None
    host_decisions: int | None = None
