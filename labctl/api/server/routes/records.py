"""Rows of runs as Arrow IPC streams: records, decimated series, cycles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from labctl.api.messages import ARROW_TYPE, PREFIX
from labctl.api.server.answers import Refusal, reply
from labctl.api.server.arrow import columns_stream, table_stream
from labctl.api.server.needs import Viewer
from labctl.api.server.routes.runs import known_run
from labctl.model.record import RECORD_COLUMNS, SIDE_COLUMNS
from labctl.store.pyramid import GAP

LIMIT_MAX = 100_000
"""Rows of one answer (I14): about 10 MB; a client asks again for more."""
WIDTH_MAX = 16_384
"""Pixel columns of one series: wider than any screen."""
POINTS_MAX = 500
HOURS_MAX = 24.0 * 365.0
VOLTAGE = "voltage_volt"
BACKFILLED = "backfilled"
ARROW: dict[int | str, dict[str, Any]] = {
    200: {"content": {ARROW_TYPE: {}}, "description": "an Arrow IPC stream"}
}
router = APIRouter(prefix=PREFIX, tags=["records"])


def _columns(text: str, known: Mapping[str, str]) -> list[str]:
    """Return the columns of a comma-separated list. Raises: Refusal naming what there is."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    odd = [name for name in names if name not in known]
    if odd or len(set(names)) != len(names):
        what = f"There is no column {odd[0]!r}." if odd else "A column is named twice."
        raise Refusal(422, what, fix=f"Columns: {', '.join(known)}.")
    return names


def _arrow(data: bytes) -> Response:
    return Response(data, media_type=ARROW_TYPE)


@router.get("/runs/{run_id}/records", responses=ARROW, response_class=Response)
async def runs_records(
    call: Viewer,
    run_id: str,
    after: Annotated[int, Query(ge=0, lt=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_MAX,
    columns: str = "",
) -> Response:
    """Return up to ``limit`` rows behind sequence ``after``, live runs too; ``columns`` is a comma-separated list.

    Beside the columns of a record there are ``device_clock`` and ``backfilled`` (the row was fetched after an outage).
    """
    names = _columns(columns, {**RECORD_COLUMNS, **SIDE_COLUMNS, BACKFILLED: "|b1"}) or list(RECORD_COLUMNS)
    known, asked = known_run(call, run_id), [name for name in names if name != BACKFILLED]
    block = await call.core.runs.records(known, after=after, limit=limit, columns=asked or ["sequence"])
    found = {name: block[name] for name in asked}
    if BACKFILLED in names:
        found[BACKFILLED] = await call.core.runs.backfilled(known, after + 1, after + len(block))
    return _arrow(columns_stream({name: found[name] for name in names}))


@router.get("/runs/{run_id}/cycles", responses=ARROW, response_class=Response)
async def runs_cycles(call: Viewer, run_id: str) -> Response:
    """Return the cycle summary: one row per cycle."""
    return _arrow(columns_stream(await call.core.runs.cycles(known_run(call, run_id))))


@router.get("/runs/{run_id}/series", responses=ARROW, response_class=Response)
async def runs_series(
    call: Viewer,
    run_id: str,
    columns: str = "voltage_volt",
    x: str = "test_time_second",
    begin: float | None = None,
    end: float | None = None,
    width: Annotated[int, Query(ge=1, le=WIDTH_MAX)] = 1000,
) -> Response:
    """Return min/max-decimated columns for ``width`` pixel columns of a plot; a month at 1 Hz in milliseconds."""
    names = [name.strip() for name in columns.split(",") if name.strip()]
    table = await call.core.series.series(
        known_run(call, run_id), names, x=x, begin=begin, end=end, width_px=width
    )
    return _arrow(table_stream(table))


@router.get("/runs/{run_id}/sparkline", include_in_schema=False)
async def runs_sparkline(
    call: Viewer,
    run_id: str,
    points: Annotated[int, Query(ge=2, le=POINTS_MAX)] = 120,
    hours: Annotated[float, Query(gt=0.0, le=HOURS_MAX)] = 6.0,
) -> Response:
    """Return the last hours of a run's voltage in few points, as JSON for the status page; null is a gap."""
    known = known_run(call, run_id)
    begin_s = max(0.0, call.core.runs.get(known).test_time_s - hours * 3600.0)
    table = await call.core.series.series(known, [VOLTAGE], begin=begin_s, width_px=points)
    values = table[f"{VOLTAGE}_last"].to_pylist()
    gaps = [bool((flags or 0) & GAP) for flags in table["flags"].to_pylist()]
    curve = [None if gap else value for gap, value in zip(gaps, values, strict=True)]
    return reply({"run_id": known, "voltage_V": curve[-points:]})
