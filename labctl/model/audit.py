"""Rows of the audit journal: who did what, from where, when, and why (X11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. ``old`` and ``new`` are JSON values, None where there is none.

    ``link_s`` is the process's own monotonic time beside the wall clock's ``utc``; ``plant_utc`` is the bench's time,
    another one on a virtual bench. ``check`` hashes this row together with the check of the row before.
    """

    number: int
    utc: str
    link_s: float
    plant_utc: str
    who: str
    role: str
    source: str
    act: str
    subject: str
    old: Any = None
    new: Any = None
    reason: str = ""
    check: str = ""


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Whether the journal's hash chain holds; ``head`` is the check of its last row (X19)."""

    ok: bool
    entries: int
    head: str
    findings: tuple[str, ...] = ()
