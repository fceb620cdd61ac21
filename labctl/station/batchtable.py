"""Read a batch of jobs from a table: CSV, XLSX, or cells pasted from a spreadsheet. One job a row.

Known columns are named in ``COLUMNS``; a column ``var:NAME`` sets a variable of the protocol. Every refused value is
reported with its row and column. Formulas are never computed (X09): a value that begins with ``=`` is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from labctl.config.celltable import CELL_ID, RowFinding
from labctl.config.tablefile import table_rows
from labctl.errors import UserFileError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, AfterWhen, JobSpec, RetryPolicy
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import base_value, parse_quantity

COLUMNS = (
    "cell_id", "protocol", "channel", "channels", "priority", "not_before", "after", "stagger", "hold", "retry_times",
    "retry_pause", "label", "campaign", "notes",
)  # fmt: skip
_OTHER_NAMES = {
    "cell": "cell_id", "slot": "channel", "not_before_utc": "not_before", "stagger_s": "stagger",
    "retry_pause_s": "retry_pause", "note": "notes",
}  # fmt: skip
VARIABLE = "var:"
_YES = ("yes", "true", "1", "x", "hold")
_NO = ("no", "false", "0", "")


@dataclass(frozen=True, slots=True)
class BatchTable:
    """What a table held: a spec for each good row, and a finding for each value that was refused."""

    specs: tuple[JobSpec, ...]
    findings: tuple[RowFinding, ...]


def read_batch(name: str, data: bytes, defaults: Mapping[str, str]) -> BatchTable:
    """Read a table of jobs. ``defaults`` fill columns that are absent or empty.

    Raises: UserFileError where the table as a whole cannot be used.
    """
    rows = table_rows(data, name)
    if not rows:
        fix = f"Its first row must name columns: {', '.join(COLUMNS[:3])} ..."
        raise UserFileError("is empty.", path=name, fix=fix)
    header = _header(rows[0], name)
    given = {_known(column): value for column, value in defaults.items()}
    for column in given:
        if column not in COLUMNS and not column.startswith(VARIABLE):
            raise UserFileError(
                f"the default '{column}' is no column.", path=name, fix=f"Known: {', '.join(COLUMNS)}."
            )
    specs: list[JobSpec] = []
    findings: list[RowFinding] = []
    for number, row in enumerate(rows[1:], 2):
        if not any(value.strip() for value in row):
            continue
        values = {column: value.strip() for column, value in zip(header, row, strict=False) if column}
        filled = {**given, **{column: value for column, value in values.items() if value}}
        spec = _Row(filled, number, findings).spec()
        if spec is not None:
            specs.append(spec)
    if not specs and not findings:
        raise UserFileError("has a header and no rows.", path=name, fix="Write one job a row below it.")
    return BatchTable(tuple(specs), tuple(findings))


def _known(column: str) -> str:
    return _OTHER_NAMES.get(column, column)


def _header(row: Sequence[str], name: str) -> list[str]:
    columns: list[str] = []
    for index, text in enumerate(row, 1):
        column = _known(text.strip().lstrip("\ufeff"))
        if column and column not in COLUMNS and not column.startswith(VARIABLE):
            near = get_close_matches(column, [*COLUMNS, *_OTHER_NAMES], n=1)
            fix = f"Did you mean '{near[0]}'?" if near else f"Known columns: {', '.join(COLUMNS)}, var:NAME."
            raise UserFileError(f"unknown column '{column}'.", path=name, line=1, column=index, fix=fix)
        if column and column in columns:
            raise UserFileError(
                f"column '{column}' stands twice.", path=name, line=1, column=index, fix="Remove one."
            )
        columns.append(column)
    if "cell_id" not in columns:
        raise UserFileError("has no column 'cell_id'.", path=name, line=1, fix="Add it.")
    return columns


class _Row:
    """One row on its way to a spec."""

    def __init__(self, values: Mapping[str, str], number: int, findings: list[RowFinding]) -> None:
        self._values = values
        self._number = number
        self._findings = findings

    def _refuse(self, column: str, problem: str) -> None:
        self._findings.append(RowFinding(self._number, column, problem))

    def _text(self, column: str) -> str:
        return self._values.get(column, "")

    def spec(self) -> JobSpec | None:
        """Return the spec, None where a value was refused."""
        before = len(self._findings)
        for column, value in self._values.items():
            if value.startswith("="):
                self._refuse(column, "is a formula, which is never computed: paste its value.")
        if not CELL_ID.match(self._text("cell_id")):
            self._refuse("cell_id", f"'{self._text('cell_id')}' is no cell id: letters, digits, - and _.")
        if not self._text("protocol"):
            self._refuse("protocol", "is empty: name a protocol, or give one for all rows.")
        variables = {
            column.removeprefix(VARIABLE).strip(): value
            for column, value in self._values.items()
            if column.startswith(VARIABLE)
        }
        retry = RetryPolicy(self._whole("retry_times"), self._seconds("retry_pause", RetryPolicy().pause_s))
        spec = JobSpec(
            cell_id=CellId(self._text("cell_id")),
            protocol=self._text("protocol"),
            channel=ChannelId(self._text("channel")) if self._text("channel") else None,
            channels=tuple(ChannelId(item) for item in _items(self._text("channels"))),
            variables=variables,
            priority=self._whole("priority"),
            not_before_utc=self._moment("not_before"),
            after=tuple(self._after()),
            retry=retry,
            stagger_s=self._seconds("stagger", 0.0),
            hold=self._yes("hold"),
            label=self._text("label"),
            campaign=self._text("campaign"),
            notes=self._text("notes"),
        )
        return spec if len(self._findings) == before else None

    def _whole(self, column: str) -> int:
        text = self._text(column) or "0"
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value != int(value):
            self._refuse(column, f"'{text}' is no whole number.")
            return 0
        return int(value)

    def _seconds(self, column: str, default_s: float) -> float:
        text = self._text(column)
        if not text:
            return default_s
        found = parse_quantity(text)
        if found is not None and (found.kind is QuantityKind.TIME or found.unit == ""):
            time_s = base_value(found)
            if math.isfinite(time_s) and time_s >= 0:
                return time_s
        self._refuse(column, f"'{text}' is no time: write 30 s, 10 min, or a number of seconds.")
        return default_s

    def _moment(self, column: str) -> str:
        text = self._text(column)
        try:
            return datetime.fromisoformat(text).isoformat() if text else ""
        except ValueError:
            self._refuse(column, f"'{text}' is no moment: write 2026-01-31 08:00 (UTC).")
            return ""

    def _after(self) -> Iterator[After]:
        for item in _items(self._text("after")):
            when, mark, job = item.rpartition(":")
            if mark and when not in ("ok", "any"):
                self._refuse(
                    "after", f"'{item}': write a label or job id, with 'any:' before it for any end."
                )
                continue
            yield After(job.strip(), AfterWhen(when or "ok"))

    def _yes(self, column: str) -> bool:
        text = self._text(column).lower()
        if text not in (*_YES, *_NO):
            self._refuse(column, f"'{text}' is neither yes nor no.")
        return text in _YES


def _items(text: str) -> Iterable[str]:
    return [item.strip() for item in text.replace(";", ",").split(",") if item.strip()]
