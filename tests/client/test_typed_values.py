"""What the station says comes back as the dataclasses that it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from labctl.model.alarm import Alarm, AlarmKey, AlarmPriority, AlarmState
from labctl.model.bench import ChannelStatus, Delta, StationInfo, StopAll, StopReport
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, AfterWhen, Forecast, Job, JobId, JobSpec, JobState, RetryPolicy
from labctl.model.plain import to_plain
from labctl.model.typed import from_plain

FORECAST = Forecast("2026-01-02T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "2026-01-03T00:00:00+00:00")
SPEC = JobSpec(
    CellId("C1"), protocol="p1", channel=ChannelId("neware:1-1"), variables={"cycles": "2"},
    after=(After("j-1", AfterWhen.ANY),), retry=RetryPolicy(2, 60.0),
)  # fmt: skip
VALUES = [
    Job(JobId("j-1"), SPEC, JobState.WAITING, 3, "P1", "ab12", "Anna", "2026-01-01", starts=FORECAST),
    Alarm(AlarmKey("a:b"), "a", "b", AlarmState.RTN_UNACK, AlarmPriority.CRITICAL, "text", "do"),
    StopAll(
        True, "Anna", "2026", "smoke", (StopReport(ChannelId("neware:1-1"), False, "no answer", "look"),)
    ),
    Cell(CellId("C1"), "one", CellKind.LFP_LI, diameter_mm=10.0),
    Delta(7, "job", "j-1", {"state": "held"}),
    Delta(8, "job", "j-1", None),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_the_way_to_json_and_back(value: object) -> None:
    assert from_plain(type(value), to_plain(value)) == value


def test_an_unknown_number_comes_back_as_nan() -> None:
    status = from_plain(ChannelStatus, to_plain(ChannelStatus(ChannelId("neware:1-1"), "finish")))
    assert math.isnan(status.voltage_V) and math.isnan(status.current_A)


def test_what_a_newer_station_says_besides_is_left_out() -> None:
    assert from_plain(After, {"job": "j-1", "when": "any", "colour": "red"}) == After("j-1", AfterWhen.ANY)


@pytest.mark.parametrize(
    ("kind", "value", "where"),
    [
        (After, {"job": 3}, "After.job"),
        (After, {"job": "x", "when": "soon"}, "After.when"),
        (After, [], "After"),
        (JobSpec, {"cell_id": "C1", "after": {}}, "JobSpec.after"),
        (JobSpec, {"cell_id": "C1", "after": [{"job": None}]}, "JobSpec.after[0].job"),
        (JobSpec, {"cell_id": "C1", "priority": True}, "JobSpec.priority"),
        (JobSpec, {}, "cell_id"),
        (StationInfo, {"name": "x"}, "StationInfo"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(kind: type, value: object, where: str) -> None:
    with pytest.raises(ValueError, match=where.replace("[", r"\[")):
        from_plain(kind, value)


def test_containers_of_every_kind_are_read() -> None:
    @dataclass(frozen=True, slots=True)
    class Mixed:
        pair: tuple[int, str]
        many: tuple[float, ...]
        table: Mapping[str, list[int]]
        maybe: int | None

    found = from_plain(Mixed, {"pair": [1, "a"], "many": [1, None], "table": {"x": [1]}, "maybe": None})
    assert (found.pair, found.table, found.maybe) == ((1, "a"), {"x": [1]}, None)
    assert found.many[0] == 1.0 and math.isnan(found.many[1])
