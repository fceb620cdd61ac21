"""Pre-flight: what a start review says, and what is refused before anything is queued."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labctl.config.station import DeviceEntry
from labctl.errors import ProgramError, UserInputError
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, JobSpec, PlannedJob, RetryPolicy
from labctl.station.planning import JOBS_MAX, _about
from labctl.station.queueing import QueueKeeper
from labctl.testing.queuebench import CHEN, FakeEngine, QueueBench, symmetric, wish

ONE, TWO = ChannelId("neware:1-1"), ChannelId("neware:1-2")


def planned(bench: QueueBench, *specs: JobSpec) -> list[PlannedJob]:
    """Return the pre-flight of some wishes; nothing is queued."""

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> list[PlannedJob]:
        rows, _ = await keeper.submit(CHEN, specs, dry_run=True)
        assert keeper.jobs() == () and bench.acts.rows == []
        return list(rows)

    return bench.live(story)


def test_review_shows_absolute_currents_beside_the_intent_limits_and_what_is_not_verified() -> None:
    bench = QueueBench()
    bench.shelf.known[CellId("C0001")] = symmetric(1, active_mass_mg=2.0, nominal_capacity_mAh=1.0)
    (row,) = planned(bench, wish(1))
    assert row.errors == () and row.channel == ONE
    assert row.review == (
        "currents: 0.785398 mA (1 mA/cm2, 392.7 mA/g, 0.785 C)",
        "limits: -5 V to 5 V, at most 10 mA",
        "needs about 130 min, 2 cycles, 1190 rows, 0.0 MB",
        "the instrument shows only in its first records whether it took: limits, range",
    )


def test_cell_three_times_off_its_batch_is_refused_unless_a_person_names_the_reason() -> None:
    bench = QueueBench(channels=5, cells=5)
    for number in range(1, 5):
        bench.shelf.known[CellId(f"C000{number}")] = symmetric(number, batch="B17")
    bench.shelf.known[CellId("C0005")] = symmetric(5, batch="B17", diameter_mm=18.0)
    rows = planned(bench, *(wish(number) for number in range(1, 6)))
    assert [row.errors for row in rows[:4]] == [()] * 4
    assert (
        rows[4]
        .errors[0]
        .startswith("cell C0005: area 2.54469 cm2 is over 3x off the median 0.785398 cm2 of batch B17")
    )
    assert rows[4].errors[1].startswith("drives 2.54469 mA where the others of this batch drive 0.785398 mA")
    (row,) = planned(bench, wish(5, overrides={"outlier": "18 mm punch on purpose"}))
    assert row.errors == () and any("Passed over: 18 mm punch on purpose" in text for text in row.warnings)


def test_missing_area_is_told_with_what_to_fill_in() -> None:
    bench = QueueBench()
    bench.shelf.known[CellId("C0001")] = Cell(CellId("C0001"), "C0001", CellKind.SYMMETRIC)
    (row,) = planned(bench, wish(1))
    assert any("area" in error for error in row.errors)


def test_current_out_of_the_channel_s_range_is_refused() -> None:
    bench = QueueBench()
    bench.shelf.known[CellId("C0001")] = symmetric(1, diameter_mm=100.0)
    (row,) = planned(bench, wish(1))
    assert any("78.5" in error for error in row.errors)


def test_cell_that_sits_elsewhere_is_refused_and_an_empty_channel_is_warned_of() -> None:
    bench = QueueBench(channels=3, cells=4)
    del bench.shelf.places[ChannelId("neware:1-3")]
    rows = planned(
        bench, wish(1, channel=TWO), wish(3, channel=ChannelId("neware:1-3")), wish(4, channel=TWO), wish(4)
    )
    assert rows[0].errors == (
        "cell C0001 sits in neware:1-1, not in neware:1-2: load it there, or name neware:1-1.",
    )
    assert rows[1].warnings[-1] == "nobody has loaded neware:1-3: this job says that C0003 sits there."
    assert (
        rows[2].warnings[-1] == "neware:1-2 holds cell C0002 now; the job waits until C0004 is loaded there."
    )
    assert any("sits in no channel yet" in warning for warning in rows[3].warnings)


def test_row_that_repeats_another_is_refused_and_a_queued_one_is_warned_of() -> None:
    bench = QueueBench()
    rows = planned(bench, wish(1), wish(1), wish(1, variables={"cycles": "9"}))
    assert rows[1].errors == (
        "repeats row 1: the same protocol for the same cell; say 'after' if it is meant.",
    )
    assert rows[0].errors == rows[2].errors == ()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        again, _ = await keeper.submit(CHEN, [wish(1)])
        assert (
            again[0].warnings[-1]
            == "j-1 (Short of C0001) is queued already with the same protocol for this cell."
        )

    bench.live(story)


def test_two_temperatures_in_one_chamber_are_warned_of() -> None:
    bench = QueueBench(chambers=[DeviceEntry("oven", "fake", "mem://", channels=(ONE, TWO))])
    rows = planned(bench, wish(1), wish(2, variables={"chamber": "60 degC"}))
    assert rows[1].warnings == (
        "oven cannot be at 60 degC while it is at 25 degC for C0001: one waits for the other.",
    )
    assert rows[1].starts is not None and rows[0].ends is not None
    assert rows[1].starts.end_utc == rows[0].ends.end_utc


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (wish(1, stagger_s=-1.0), "stagger -1 s is outside"),
        (wish(1, stagger_s=float("nan")), "stagger nan s is outside"),
        (wish(1, retry=RetryPolicy(1000, 1.0)), "retry: at most 100 times"),
        (wish(1, retry=RetryPolicy(1, float("inf"))), "retry: at most 100 times"),
        (wish(1, not_before_utc="soon"), "'soon' is no moment"),
        (wish(1, not_before_utc="0001-01-01"), "too far away"),
        (wish(1, label="x" * 300), "at most 200 characters"),
        (wish(1, priority=10**9), "priority 1000000000 is beyond"),
        (wish(1, label="me", after=(After("me"),)), "waits for itself"),
        (wish(1, variables={"cycels": "3"}), "no variable 'cycels'"),
        (wish(99), "There is no cell 'C0099'"),
        (wish(1, channel=ChannelId("neware:9-9")), "There is no channel 'neware:9-9'"),
        (replace(wish(1), protocol="p1"), "exactly one of both"),
        (replace(wish(1), protocol_text="", protocol="../../etc/passwd"), "is no name of a protocol"),
        (replace(wish(1), protocol_text="", protocol="pyproject.toml"), "not a protocol of the library"),
        (replace(wish(1), protocol_text="labctl: protocol/1\nname: x\nsteps: [{rset: 1 h}]"), "rset"),
    ],
)
def test_wish_that_cannot_be_is_refused_in_words(spec: JobSpec, said: str) -> None:
    (row,) = planned(QueueBench(), spec)
    assert said in " ".join(row.errors)


def test_no_jobs_and_far_too_many_are_refused_at_once() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        with pytest.raises(UserInputError, match="no job to queue"):
            await keeper.submit(CHEN, [])
        with pytest.raises(UserInputError, match="too many"):
            await keeper.submit(CHEN, [wish(1)] * (JOBS_MAX + 1))
        with pytest.raises(ProgramError, match="circle"):
            await keeper.submit(
                CHEN, [wish(1, label="a", after=(After("b"),)), wish(2, label="b", after=(After("a"),))]
            )

    bench.live(story)


@pytest.mark.parametrize(
    ("time_s", "told"),
    [(7800.0, "130 min"), (45_010.0, "12.5 h"), (1_800_120.0, "20.8 d"), (1_821_600.0, "21.1 d")],
)
def test_the_time_that_a_job_needs_is_told_as_a_person_plans_it(time_s: float, told: str) -> None:
    assert _about(time_s) == told
