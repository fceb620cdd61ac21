"""The channel grid: who needs me, where are they, what do they say; the same in the table (U01, U09, U18, U22)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.figures import CellFigures, figures_of
from labctl.gui.viewmodels.filters import Group, Quantity, Rule, SavedFilter, Show, Sort, ready_made
from labctl.gui.viewmodels.grid import Grid, GridChange
from labctl.gui.viewmodels.gridtable import COLUMNS, GridTable
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.tiles import TileKind, voltage_text
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.bench import Delta, HeldHow, LinkState
from labctl.model.cell import CellKind
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import JobState
from labctl.model.latest import LatestCycle
from labctl.model.plain import to_plain
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, alarm, box, cell, empty, job, running, tell


def a_bench(units: int = 16) -> tuple[Lab, Grid, list[GridChange]]:
    lab = a_lab()
    names = [f"neware:{unit}-{slot}" for unit in range(1, units + 1) for slot in range(1, 9)]
    tell(lab, box("neware", 8 * units), *(running(name, f"C{index:04}") for index, name in enumerate(names)))
    grid = Grid(lab)
    changes: list[GridChange] = []
    grid.watch(changes.append)
    return lab, grid, changes


def test_u01_three_abnormal_of_128_are_counted_named_worst_first_and_found_in_place() -> None:
    lab, grid, _ = a_bench()
    tell(
        lab,
        alarm(
            "detect.short:neware:16-2", AlarmPriority.MEDIUM, channel="neware:16-2", text="|V| below 10 mV"
        ),
        alarm("trip:neware:13-3", AlarmPriority.CRITICAL, channel="neware:13-3", text="V 5.02 > 5.00"),
        alarm("reading.bad:neware:6-2", AlarmPriority.HIGH, channel="neware:6-2", text="no status for 4 min"),
    )
    assert grid.counts.abnormal == 3 and grid.counts.all == 128
    assert [(need.label, need.word, need.mark.number) for need in grid.needs()] == [
        ("13-3", "TRIP", 1), ("6-2", "WARN", 2), ("16-2", "SHORT", 3),
    ]  # fmt: skip
    tile = grid.tile("neware:13-3")
    assert tile.kind is TileKind.ABNORMAL and tile.strip is not None and tile.strip.blink
    grid.set_show(Show.ABNORMAL)
    assert grid.order == ("neware:6-2", "neware:13-3", "neware:16-2")


def test_r1_a_normal_tile_has_no_strip_and_an_acknowledged_or_low_alarm_is_calm() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, alarm("limit.warn:neware:1-1", state=AlarmState.ACKED, channel="neware:1-1"),
         alarm("early.soft_short:neware:1-2", AlarmPriority.LOW, channel="neware:1-2"))  # fmt: skip
    assert all(grid.tile(name).kind is TileKind.NORMAL for name in grid.order)
    assert grid.counts.abnormal == 0


def test_a_latched_trip_stays_abnormal_after_it_was_acknowledged_and_stops_blinking() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, empty("neware:1-1", tripped="V 5.02 above 5.00", cell_id="C1"),
         alarm("trip:neware:1-1", AlarmPriority.CRITICAL, AlarmState.ACKED, channel="neware:1-1"))  # fmt: skip
    tile = grid.tile("neware:1-1")
    assert tile.strip is not None and tile.strip.word == "TRIP" and not tile.strip.blink
    assert "5.02" in tile.strip.reason


def test_tiles_stand_as_in_the_cabinet_and_not_in_the_alphabet() -> None:
    _, grid, _ = a_bench()
    assert [section.title for section in grid.sections] == ["Rack 1", "Rack 2"]
    first = grid.sections[0]
    assert first.channels[8] == "neware:2-1" and first.spots[8] == (1, 0)
    assert first.units == tuple(f"U{unit}" for unit in range(1, 9))
    assert grid.sections[1].channels[0] == "neware:9-1"
    assert "64 cells" in first.note


def test_racks_of_64_numbered_channels_have_units_of_eight() -> None:
    lab = a_lab()
    tell(lab, *(empty(f"bts:{rack}-{place:02}") for rack in (1, 2) for place in range(1, 65)))
    grid = Grid(lab)
    assert [section.rows for section in grid.sections] == [8, 8]
    assert grid.sections[1].channels[8] == "bts:2-09" and grid.sections[1].spots[8] == (1, 0)


def test_channels_of_two_instruments_with_the_same_place_are_told_apart() -> None:
    lab = a_lab()
    tell(lab, empty("a:1-1"), empty("b:1-1"), empty("b:1-2"))
    grid = Grid(lab)
    assert [grid.cabinet.label(name) for name in grid.order] == ["1:1-1", "2:1-1", "2:1-2"]
    assert [grid.tile(name).label for name in grid.order] == [
        "1-1",
        "1-1",
        "1-2",
    ]  # the rack stands above them
    grid.set_group(Group.BATCH)
    assert [grid.tile(name).label for name in grid.order] == ["1:1-1", "2:1-1", "2:1-2"]
    assert grid.told("b:1-1").startswith("2:1-1")


def test_a_tile_says_id_word_value_cell_and_cycle() -> None:
    lab, grid, _ = a_bench(1)
    lab.take_cells([cell("C0001", CellKind.LFP_LI)])
    tell(lab, running("neware:1-2", "C0001", voltage_V=3.3724, current_A=-1e-3, cycle=237,
                      step_number=3, steps=4, step_kind="CC-DIS", step_time_s=900.0, step_left_s=2700.0))  # fmt: skip
    tile = grid.tile("neware:1-2")
    assert (tile.label, tile.word, tile.glyph, tile.value, tile.unit) == (
        "1-2",
        "DIS",
        "discharge",
        "3.372",
        "V",
    )
    assert (tile.cell, tile.cycle, tile.fact) == ("C0001", "#237", "")
    assert tile.progress == pytest.approx(0.25)
    hover = grid.hover("neware:1-2").replace("\u2009", " ")
    assert "3.3724 V" in hover and "0.0 s" in hover and "discharging" in hover
    assert "step 3 of 4: CC-DIS" in hover
    assert grid.told("neware:1-2") == "1-2, C0001, discharging, 3.372 V"


@pytest.mark.parametrize(
    ("voltage_V", "symmetric", "number", "unit"),
    [
        (3.3724, False, "3.372", "V"),
        (-0.0883, True, "−88.3", "mV"),
        (0.163, True, "+163", "mV"),
        (0.0004, True, "+0.4", "mV"),
        (1.5, True, "+1.500", "V"),
        (-0.1, False, "−0.100", "V"),
        (math.nan, True, "-", "V"),
    ],
)
def test_values_have_three_decimals_or_three_figures_and_symmetric_cells_their_sign(
    voltage_V: float, symmetric: bool, number: str, unit: str
) -> None:
    shown = voltage_text(voltage_V, symmetric=symmetric)
    assert (shown.number, shown.unit) == (number, unit)


def test_symmetric_cells_are_known_from_the_registry() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, running("neware:1-1", "C0100", voltage_V=-0.0874))
    lab.take_cells([cell("C0100", CellKind.SYMMETRIC)])
    assert (grid.tile("neware:1-1").value, grid.tile("neware:1-1").unit) == ("−87.4", "mV")


def test_free_done_and_paused_tiles_say_a_fact_instead_of_a_curve() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, empty("neware:1-1"), empty("neware:1-2", state="finished", cell_id="C1", cycle=150, cycles=150),
         running("neware:1-3", state="paused", held_how=HeldHow.STEP_END, held_by="li",
                 held_utc="1970-01-01T08:55:00+00:00"),
         empty("neware:1-4", cell_id="C2"),
         running("neware:1-5", step_kind="REST", step_time_s=5.0, step_left_s=720.0))  # fmt: skip
    free, done, paused, loaded, rests = (grid.tile(f"neware:1-{slot}") for slot in range(1, 6))
    assert (free.kind, free.word, free.value) == (TileKind.FREE, "free", "")
    assert (done.word, done.fact) == ("DONE", "150 of 150")
    assert (paused.word, paused.glyph, paused.fact) == ("PAUSE", "paused", "op: li, 08:55")
    assert (rests.word, rests.fact) == ("REST", "00:12 left")
    assert (loaded.word, loaded.fact) == ("IDLE", "not released")


@pytest.mark.parametrize(
    ("held", "fact"),
    [
        ({"held_how": HeldHow.INSTRUMENT}, "at the tester, "),
        ({"held_how": HeldHow.PROGRAM}, "program, "),
        ({"held_how": HeldHow.PERSON}, "by a person, "),
    ],
)
def test_a_pause_that_nobody_here_has_signed_says_where_it_comes_from(
    held: dict[str, HeldHow], fact: str
) -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, running("neware:1-1", state="paused", held_utc="1970-01-01T08:55:00+00:00", **held))
    assert grid.tile("neware:1-1").fact == f"{fact}08:55"


def test_a_pause_between_two_parts_of_the_program_is_a_pause() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, running("neware:1-1", state="deciding", held_how=HeldHow.STEP_END, held_by="li"))
    assert grid.tile("neware:1-1").word == "PAUSE"


def test_a_pause_that_is_asked_for_is_told_on_hover() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, running("neware:1-1", held_how=HeldHow.RESERVED, held_by="li",
                      held_utc="1970-01-01T08:55:00+00:00"))  # fmt: skip
    assert "pauses at the end of the step (op: li, 08:55)" in grid.hover("neware:1-1")


def test_a_cell_that_another_instrument_has_says_which() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, empty("neware:1-1", cell_id="C1", owner="pstat-1"))
    tile = grid.tile("neware:1-1")
    assert (tile.word, tile.fact) == ("EIS", "→ pstat-1")


def test_u22_a_stale_value_is_muted_hatched_and_says_its_age_and_comes_back() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    tell(lab, running("neware:1-1"), running("neware:1-2"))
    grid = Grid(lab)
    changes: list[GridChange] = []
    grid.watch(changes.append)
    grid.tile("neware:1-1")
    clock.s += 240.0
    tell(lab, running("neware:1-2", voltage_V=3.8))
    grid.tick()
    assert changes[-1].tiles == {"neware:1-1"}
    tile = grid.tile("neware:1-1")
    assert tile.kind is TileKind.DOUBT and tile.muted and tile.hatched and tile.fact == "4\u2009min old"
    tell(lab, running("neware:1-1"))
    assert grid.tile("neware:1-1").kind is TileKind.NORMAL


def test_u22_the_channels_of_an_instrument_that_has_stopped_answering_are_muted_at_once_until_it_is_heard() -> (
    None
):
    lab = a_lab()
    there = box("neware", 2)
    tell(lab, there, running("neware:1-1"), running("neware:1-2"), box("landt", 1), running("landt:1-1"))
    grid = Grid(lab)
    changes: list[GridChange] = []
    grid.watch(changes.append)
    for link in (LinkState.STALE, LinkState.UNKNOWN, LinkState.LIVE):
        tell(lab, replace(there, link=link))
        assert changes[-1].tiles == {"neware:1-1", "neware:1-2"}
        assert grid.tile("neware:1-1").muted is (link is not LinkState.LIVE)
        assert not grid.tile("landt:1-1").muted


def test_u22_a_channel_that_was_never_read_says_so() -> None:
    lab = a_lab()
    tell(lab, empty("neware:1-1", state="unknown"), reset=True)
    assert Grid(lab).tile("neware:1-1").fact == "not read yet"


def test_r13_a_lost_link_greys_every_tile() -> None:
    lab, grid, changes = a_bench(2)
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    assert len(changes[-1].tiles) == 16 and all(grid.tile(name).muted for name in grid.order)


def test_segments_show_free_running_mine_with_their_counts() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, empty("neware:1-1"), running("neware:1-2", job_id="j-1"), job("j-1", JobState.RUNNING))
    assert (grid.counts.free, grid.counts.running, grid.counts.mine) == (1, 7, 1)
    grid.set_show(Show.FREE)
    assert grid.order == ("neware:1-1",) and grid.sections[0].spots == ((0, 0),)
    grid.set_show(Show.MINE)
    assert grid.order == ("neware:1-2",)


def test_search_finds_by_id_cell_batch_protocol_and_state() -> None:
    lab, grid, _ = a_bench(1)
    lab.take_cells([cell("C0003", batch="2026-04-B")])
    for text, expected in (
        ("c0003", 1),
        ("2026-04", 1),
        ("lfp-0.5", 8),
        ("charging lfp", 8),
        ("1-4", 1),
        ("x", 0),
    ):
        grid.set_search(text)
        assert len(grid.order) == expected, text


def test_u09_dead_cells_are_found_by_saved_filters_from_the_cycle_summaries() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"), running("neware:1-2"), running("neware:1-3"), running("neware:1-4"),
         alarm("detect.short:neware:1-4", AlarmPriority.MEDIUM, channel="neware:1-4"))  # fmt: skip
    kept = {
        "run-neware-1-1": 0.99,
        "run-neware-1-2": 0.62,
        "run-neware-1-3": 0.95,
        "run-neware-1-4": math.nan,
    }
    asks = FakeAsks({"runs.latest_cycles": lambda runs: [
        LatestCycle(RunId(run_id), ChannelId("neware:1-1"), CellId("C0001"), 2, retention=kept[run_id],
                    coulombic_efficiency=0.997, polarisation_V=0.7 if run_id.endswith("3") else 0.1,
                    first_discharging_capacity_mAh_per_g=150.0,
                    discharging_capacity_mAh_per_g=150.0 * kept[run_id])
        for run_id in runs
    ]})  # fmt: skip
    figures = CellFigures(lab, asks)
    grid = Grid(lab, figures)
    dead, overpotential, low, shorts = ready_made()
    grid.set_saved(dead)
    assert grid.order == ("neware:1-2", "neware:1-4")
    grid.set_saved(overpotential)
    assert grid.order == ("neware:1-3",)
    grid.set_saved(shorts)
    assert grid.order == ("neware:1-4",)
    grid.set_saved(None)
    grid.set_sort(Sort.CAPACITY)
    assert grid.order == ("neware:1-1", "neware:1-3", "neware:1-2", "neware:1-4"), "unknown comes last"
    assert len(asks.of("runs.latest_cycles")) == 1, "one question for all"
    assert low.rules[0].told == "OCV below 0.100 V"


def test_u09_filters_are_kept_and_nonsense_in_the_settings_is_refused() -> None:
    made = SavedFilter("mine", (Rule(Quantity.RETENTION_BELOW, 70.0), Rule(Quantity.SHORT)))
    assert SavedFilter.from_plain(made.to_plain()) == made
    for nonsense in (
        {},
        {"name": "x", "rules": [["colour", 1.0]]},
        [],
        {"name": "x", "rules": [["short", "nan"]]},
    ):
        with pytest.raises(ValueError):
            SavedFilter.from_plain(nonsense)


def test_figures_take_the_newest_complete_cycle() -> None:
    found = figures_of({"cycle": [1, 2, 3], "coulombic_efficiency": [0.8, 0.99, None],
                        "retention": [1.0, 0.98, math.nan],
                        "discharging_capacity_mah_per_g": [150.0, 147.0, None]})  # fmt: skip
    assert (found.cycles, found.efficiency, found.retention, found.first_mAh_per_g) == (3, 0.99, 0.98, 150.0)
    assert figures_of({}).cycles == 0


def newest(run_id: str, cycle: int, **figures: float) -> LatestCycle:
    """Return what the station says of a run's newest cycle."""
    return LatestCycle(RunId(run_id), ChannelId("neware:1-1"), CellId("C0001"), cycle, **figures)


def test_newest_cycles_are_asked_in_one_question_then_the_station_tells_them_as_they_close() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    tell(lab, *(running(f"neware:{unit}-{slot}", cycle=5) for unit in range(1, 5) for slot in range(1, 9)))
    asks, told = FakeAsks(), list[frozenset[str]]()
    figures = CellFigures(lab, asks)
    figures.watch(told.append)
    figures.want()
    figures.want()
    (question,) = asks.asked
    assert len(question.args[0]) == 32
    question.then([newest(run_id, 4, retention=0.9) for run_id in question.args[0]])
    known = figures.of("neware:1-1")
    assert known is not None and (known.cycles, known.retention) == (4, 0.9)
    told.clear()
    closed = newest("run-neware-1-1", 5, retention=0.8)
    tell(lab, running("neware:1-1", cycle=6), Delta(9, "cycle", closed.run_id, to_plain(closed)))
    known = figures.of("neware:1-1")
    assert known is not None and known.retention == 0.8
    assert told == [frozenset({"neware:1-1"})] and len(asks.asked) == 1
    tell(lab, running("neware:1-1", cycle=1, run_id="run-2"))
    assert asks.asked[-1].args == (["run-2"],), "a run that began since is asked for by itself"


def test_runs_that_the_station_knows_nothing_of_are_asked_again_only_after_a_minute() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    tell(lab, running("neware:1-1"))
    asks = FakeAsks({"runs.latest_cycles": []})
    CellFigures(lab, asks).want()
    tell(lab, running("neware:1-1", voltage_V=3.5))
    assert len(asks.asked) == 1
    clock.s += 61.0
    tell(lab, running("neware:1-1", voltage_V=3.6))
    assert len(asks.asked) == 2


def test_grouped_by_batch_the_tiles_close_ranks() -> None:
    lab, grid, _ = a_bench(1)
    lab.take_cells([cell("C0000", batch="A"), cell("C0003", batch="A"), cell("C0001", batch="B")])
    grid.set_group(Group.BATCH)
    assert [(section.title, len(section.channels)) for section in grid.sections] == [
        ("A", 2),
        ("B", 1),
        ("no batch", 5),
    ]


def test_news_cost_only_the_channels_that_they_are_about() -> None:
    lab, grid, changes = a_bench(128)
    for name in grid.order:
        grid.tile(name)
    before = grid.tile("neware:2-1")
    changes.clear()
    tell(lab, running("neware:1-1", voltage_V=3.9), running("neware:1-2", voltage_V=3.9))
    assert changes == [GridChange(False, frozenset({"neware:1-1", "neware:1-2"}), False)]
    assert grid.tile("neware:2-1") is before and grid.tile("neware:1-1").value == "3.900"


def test_the_order_stands_still_under_the_pointer() -> None:
    lab, grid, changes = a_bench(1)
    grid.set_show(Show.RUNNING)
    grid.frozen = True
    tell(lab, empty("neware:1-1"))
    assert "neware:1-1" in grid.order and grid.order_due and grid.counts.running == 7
    assert not changes[-1].layout
    grid.frozen = False
    grid.settle()
    assert "neware:1-1" not in grid.order and changes[-1].layout


def test_new_channels_and_gone_ones_lay_the_grid_out_anew() -> None:
    lab, grid, changes = a_bench(1)
    tell(lab, empty("neware:2-1"))
    assert changes[-1].layout and grid.sections[0].rows == 2 and grid.counts.all == 9
    tell(lab, empty("neware:2-1"), reset=True)
    assert grid.order == ("neware:2-1",)


def test_u16_arrow_keys_walk_over_rows_units_and_racks() -> None:
    _, grid, _ = a_bench()
    assert grid.neighbour("neware:1-1", 0, 1) == "neware:1-2"
    assert grid.neighbour("neware:1-1", 1, 0) == "neware:2-1"
    assert grid.neighbour("neware:8-3", 1, 0) == "neware:9-3"
    assert grid.neighbour("neware:9-3", -1, 0) == "neware:8-3"
    assert grid.neighbour("neware:1-1", -1, 0) == "neware:1-1"
    assert grid.neighbour("neware:16-8", 0, 1) == "neware:16-8"
    assert grid.neighbour("nowhere", 0, 1) == "neware:1-1"


def test_the_table_shows_the_same_channels_and_copies_with_a_header() -> None:
    lab, grid, _ = a_bench(1)
    tell(lab, running("neware:1-1", "C0001", voltage_V=-0.5))
    table = GridTable(lab, grid)
    assert table.rows == grid.order
    assert table.cell("neware:1-1", "voltage") == "−0.5000"
    lines = table.tsv().splitlines()
    assert len(lines) == 9 and lines[0].split("\t")[2] == "voltage V" and lines[1].split("\t")[2] == "-0.5000"
    assert (
        sorted(["neware:1-2", "neware:1-1"], key=lambda name: table.key(name, "voltage"))[0] == "neware:1-1"
    )
    assert all(isinstance(table.cell("neware:1-2", column.id), str) for column in COLUMNS)
    assert all(column.told for column in COLUMNS)
