"""Early warnings: what they see in disturbed and ageing cells, and that healthy ones give none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labctl.engine.machines.early import EarlyWarner
from labctl.engine.machines.findings import Priority
from labctl.model.record import RecordBlock
from labctl.testing.studyruns import (
    Disturbance,
    StudyRun,
    Wish,
    blocks_of,
    disturbed,
    early_warnings,
    perform,
)

FROM_S = 30.0 * 3600.0


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    """Perform 30 cycles of a coated PEO cell."""
    wish = Wish("PEO-Z", "p3-li-li-peo", {"cycles": "30"}, seed=5)
    return perform([wish], tmp_path_factory.mktemp("steady"))[0]


def test_healthy_cell_gives_no_warning(steady: StudyRun) -> None:
    assert early_warnings(steady.program, steady.rows) == []


@pytest.mark.parametrize(
    ("what", "kind", "within_h"),
    [
        (Disturbance.LOOSE_CONTACT, "early.contact", 4.0),
        (Disturbance.COLDER, "early.temperature", 4.0),
        (Disturbance.DRIFTING_OFFSET, "early.soft_short", 24.0),
        (Disturbance.DEAD_LEAD, "early.flat_sensor", 1.0),
    ],
)
def test_disturbance_is_named_soon(what: Disturbance, kind: str, within_h: float, steady: StudyRun) -> None:
    warnings = early_warnings(steady.program, disturbed(steady, what, FROM_S))
    assert warnings[0].kind == kind
    assert FROM_S / 3600.0 <= warnings[0].time_h <= FROM_S / 3600.0 + within_h


def test_warnings_do_not_depend_on_how_the_rows_were_cut(steady: StudyRun) -> None:
    rows = disturbed(steady, Disturbance.LOOSE_CONTACT, FROM_S)
    found = []
    for length in (1, 7, 500, len(rows)):
        warner = EarlyWarner(steady.program)
        part = rows.rows(0, 16_000)
        found.append([item for block in blocks_of(part, length) for item in warner.feed(block)])
    assert found[0] != []
    assert all(items == found[0] for items in found[1:])


def test_each_kind_is_told_once_and_asks_for_no_haste(steady: StudyRun) -> None:
    warner = EarlyWarner(steady.program)
    rows = disturbed(steady, Disturbance.LOOSE_CONTACT, 10.0 * 3600.0)
    findings = [item for block in blocks_of(rows, 100) for item in warner.feed(block)]
    kinds = [item.kind for item in findings]
    assert len(kinds) == len(set(kinds))
    assert all(item.priority is Priority.LOW and item.what_to_do and item.sequence for item in findings)


def test_bad_rows_are_passed_over(steady: StudyRun) -> None:
    quality = np.zeros(len(steady.rows), "<i1")
    quality[5000::9] = 1
    voltage_V = np.where(quality == 1, 99.0, steady.rows["voltage_volt"])
    rows = RecordBlock({**steady.rows.columns, "quality": quality, "voltage_volt": voltage_V})
    assert early_warnings(steady.program, rows) == []


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "protocol",
    ["ccd-staircase", pytest.param("rate-test", marks=SLOW), pytest.param("gitt", marks=SLOW)],
)
def test_changing_currents_are_no_sign_of_anything(protocol: str, tmp_path: Path) -> None:
    settings = {"chamber": "60 degC"}
    if protocol == "rate-test":
        settings["cycles_per_rate"] = "2"
    variant = "PEO-Z" if protocol == "ccd-staircase" else "LFP-Z"
    (run,) = perform([Wish(variant, protocol, settings, seed=5)], tmp_path)
    assert early_warnings(run.program, run.rows) == []


@pytest.mark.slow
def test_leaking_cell_is_seen_by_its_efficiency_within_three_cycles(tmp_path: Path) -> None:
    (run,) = perform([Wish("LFP-P", "p5-lfp-li-peo", {"cycles": "26"}, seed=5)], tmp_path)
    warnings = early_warnings(run.program, run.rows)
    assert {item.kind for item in warnings} == {"early.soft_short", "early.efficiency"}
    assert all(21 <= item.cycle <= 24 for item in warnings)


@pytest.mark.slow
def test_pristine_liquid_cell_is_announced_a_day_before_its_end_and_not_in_its_healthy_time(
    tmp_path: Path,
) -> None:
    (run,) = perform([Wish("LIQ-P", "p1-li-li-1mA", {}, seed=11)], tmp_path)
    end_h = float(run.rows["test_time_second"][-1]) / 3600.0
    first = early_warnings(run.program, run.rows)[0]
    assert first.kind == "early.polarisation"
    assert 110.0 < first.time_h < end_h - 24.0


@pytest.mark.slow
def test_soft_short_bursts_announce_the_hard_short(tmp_path: Path) -> None:
    bursts, plain = perform(
        [Wish("PEO-P", "p3-li-li-peo", {}, seed=11, precursor=precursor) for precursor in (True, False)],
        tmp_path,
    )
    first = early_warnings(bursts.program, bursts.rows)[0]
    assert first.kind == "early.soft_short"
    assert first.time_h < float(bursts.rows["test_time_second"][-1]) / 3600.0 - 6.0
    last = float(plain.rows["test_time_second"][-1]) / 3600.0
    assert all(item.time_h > last - 12.0 for item in early_warnings(plain.program, plain.rows))


@pytest.mark.slow
def test_healthy_cells_of_the_study_give_no_false_alarm(tmp_path: Path) -> None:
    wishes = [
        Wish("LIQ-P", "p1-li-li-1mA", {"cycles": "55"}, 17),
        Wish("LIQ-Z", "p1-li-li-1mA", {"cycles": "100"}, 17),
        Wish("LIQ-Z", "p2-li-li-3mA", {"cycles": "150"}, 17),
        Wish("LTO-Z", "p4-lto-li", {"cycles": "100"}, 17),
        Wish("LTO-P", "p4-lto-li", {"cycles": "100"}, 17),
        Wish("LFP-Z", "p5-lfp-li-peo", {"cycles": "60"}, 17),
    ]
    for run in perform(wishes, tmp_path):
        assert early_warnings(run.program, run.rows) == [], run.wish
