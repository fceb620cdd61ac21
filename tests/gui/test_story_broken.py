"""U02, U11, U14 when things break, in the whole window on a real station: a bad cell, a failed lane, a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.viewmodels.allowed import UNSEEN
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.recovery import Proposal
from labctl.testing.guistory import Person, answer, at_the_window, long_test
from labctl.testing.stationrun import StationRun, connected, end, running_station, serve

if TYPE_CHECKING:
    from labctl.gui.viewmodels.recovery import RecoveryRow

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
HEADER = "cell id\ttype\tgroup\tmass / mg\tarea / cm²\tbatch\tnote"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    with running_station(tmp_path_factory.mktemp("broken")) as found:
        yield found


def registered(station: StationRun) -> set[str]:
    return {str(cell.cell_id) for cell in station.client.cells.list() if str(cell.cell_id).startswith("B0")}


def test_u02_a_bad_cell_is_marked_in_place_the_good_ones_are_registered_and_it_is_mended_by_keys(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        person.press("Ctrl+6")
        view = person.in_front("cells")
        person.tab_to(view.entry)
        rows = [
            f"B{n:03}\tfull\tcoated\t{'heavy' if n == 2 else '12.4'}\t1.131\tB7\tfrom paste"
            for n in range(16)
        ]
        person.paste("\n".join([HEADER, *rows]))
        model = view.entry.rows_model
        field = model.rows[2][model.column(Col.MASS.value)]
        assert field.question and field.text == "heavy" and "no number" in field.why
        assert len(view.cells.rows) == 16 and "15 cells" in view.save.text()
        person.press("Ctrl+Z")
        assert not view.cells.rows
        person.press("Ctrl+Y")
        person.press("Ctrl+S")
        good = {f"B{n:03}" for n in range(16)} - {"B002"}
        person.wait(lambda: registered(station) == good and not view.cells.saving)
        assert [row[model.column(Col.CELL.value)].text for row in model.rows
                if row[model.column(Col.MASS.value)].text == "heavy"] == ["B002"]  # fmt: skip

        person.tab_to(view.entry)
        person.press("Ctrl+Home")
        while view.cells.rows[view.entry.place[0]].text(Col.CELL) != "B002":
            person.press("Down")
        while view.entry.place[1] is not Col.MASS:
            person.press("Right")
        person.press("F2")
        person.write("12.3")
        person.press("Return")
        person.press("Ctrl+S")
        person.wait(lambda: registered(station) == good | {"B002"})
        assert station.client.cells.get("B002").active_mass_mg == 12.3
        assert not person.trouble


def test_u14_a_failed_item_stops_its_own_lane_and_is_released_after_a_question_with_a_safe_default(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        broken, sound = person.idle()[:2]
        person.start(broken, sound)
        behind, beside = waiting_behind(person, broken), waiting_behind(person, sound)
        station.bench.admin("cell.remove", slot=broken)  # it has fallen out of its holder
        person.wait(lambda: person.lab.channels[broken].lane)
        person.press("Ctrl+5")
        view = person.in_front("queue")
        person.wait(lambda: behind in view.queue.order() and beside in view.queue.order())
        person.select(view.table, lambda: view.model.place_of(behind))
        person.wait(lambda: view.queue.row_of(behind).state.startswith("held"))
        assert person.lab.channels[sound].state == "running" and not person.lab.channels[sound].lane
        assert view.queue.row_of(beside).state == "waiting", "a failed item holds its own lane alone"

        person.wait(lambda: "acknowledge first" in why(view.hold_button))
        person.press("Ctrl+H")
        assert not person.shown(Confirm), "nothing is let go before somebody has seen why it failed"
        station.bench.admin("cell.insert", slot=broken, cell=person.lab.channels[broken].cell_id)
        acknowledge_all(person, broken)
        person.press("Ctrl+5")
        person.in_front("queue")
        person.select(view.table, lambda: view.model.place_of(behind))
        person.wait(view.hold_button.isEnabled)
        person.press("Ctrl+H")
        question = person.dialog(Confirm)
        assert question.safe.isDefault()
        person.press("Escape")
        person.activate()
        assert station.client.queue.get(behind).state == "held" and person.lab.channels[broken].lane

        person.select(view.table, lambda: view.model.place_of(behind))
        person.press("Ctrl+H")
        answer(person, person.dialog(Confirm))
        person.activate()
        person.wait(lambda: station.client.queue.get(behind).state == "running")
        person.wait(lambda: not person.lab.channels[broken].lane)


def waiting_behind(person: Person, channel: str) -> str:
    """Queue one more test for the cell in a channel; returns its job."""
    cell = person.lab.channels[channel].cell_id
    return str(person.station.client.queue.submit([long_test(cell)]).jobs[0].job_id)


def acknowledge_all(person: Person, channel: str) -> None:
    """Acknowledge each alarm of a channel in the list, with the key."""
    person.press("Ctrl+8")
    view = person.in_front("alarms")

    def unseen() -> list[str]:
        return [str(alarm.key) for alarm in person.lab.alarms.values()
                if alarm.channel == channel and alarm.state in UNSEEN]  # fmt: skip

    while unseen():
        key, before = unseen()[0], len(unseen())
        person.wait(lambda key=key: view.model.place_of(key) >= 0)
        view.open_on(key)
        view.table.setFocus()
        person.press("A")
        person.wait(lambda before=before: len(unseen()) < before)


def test_u11_after_a_station_that_died_and_after_a_power_cut_each_run_is_listed_and_nothing_is_energised(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        first, second = person.idle()[:2]
        box = first.partition(":")[0]
        runs = dict(zip((first, second), person.start(first, second), strict=True))
        station.bench.admin("fault", instrument=box, kind="late_count", records=100_000)
        person.wait(lambda: all(person.lab.channels[one].tripped for one in runs))
        latches = station.data / "station" / "latches.jsonl"  # a trip is told the moment before it is written
        person.wait(lambda: latches.is_file() and all(one in latches.read_text("utf-8") for one in runs))
        station.bench.admin("fault", instrument=box, kind="late_count", on=False)
        station.process.kill()
        station.process.wait()
        person.wait(lambda: not person.lab.link.live)
        before = energised(station, runs)
        again = serve(station.station_file, station.data)
        try:
            with connected(again, station.data):
                recovery_rows(person, runs)
                person.wait(
                    lambda: all(proposal(person, run_id) is Proposal.LOOK for run_id in runs.values())
                )
                rows = recovery_rows(person, runs)
                for row in rows.values():
                    assert "since" in row.was and "V" in row.device and "records" in row.result
                assert energised(station, runs) == before, "nobody has accepted anything yet"
                accept_one(person, runs[first])
                person.wait(lambda: proposal(person, runs[first]) is Proposal.NOTHING)
                assert proposal(person, runs[second]) is Proposal.LOOK, "the other one was not accepted"
                refused_one(person, runs[second])
                assert energised(station, runs) == before, "following a run again sends nothing"
        finally:
            end(again)
        person.wait(lambda: not person.lab.link.live)
        station.bench.admin("fault", instrument=box, kind="reboot")
        third = serve(station.station_file, station.data)
        try:
            with connected(third, station.data):
                person.wait(lambda: person.lab.link.live and first in person.lab.channels)
                person.wait(lambda: person.lab.channels[first].tripped)
                recovery_rows(person, {first: runs[first]})
                person.wait(lambda: proposal(person, runs[first]) is Proposal.RESET)
                assert "restarted" in recovery_rows(person, {first: runs[first]})[first].result
                view = person.view
                person.tab_to(view.table)
                person.press("Ctrl+A")
                # The refused path: what has ended is not followed again.
                person.wait(lambda: "It has ended" in why(view.accept))
                assert energised(station, runs) == before
                listed = {row.channel for row in view._rows}
                person.push(view.open)
                assert person.in_front("channel").models.channel.channel in listed
        finally:
            end(third)


def proposal(person: Person, run_id: str) -> Proposal | None:
    """Return what the page in front proposes for a run, None where it does not list it."""
    return next((row.proposal for row in person.view.recovery.rows() if row.run_id == run_id), None)


def energised(station: StationRun, channels: Any) -> list[list[str]]:
    """Return what each channel of the bench has been told to do, as the bench knows it."""
    return [
        [
            str(one["command"])
            for one in station.bench.admin("truth", slot=name)["commands"]
            if one["accepted"]
        ]
        for name in channels
    ]


def recovery_rows(person: Person, runs: dict[str, str]) -> dict[str, RecoveryRow]:
    """Wait until the recovery page shows these runs; where it has not opened by itself, find it in the palette."""
    person.wait(lambda: person.lab.link.live and person.lab.station is not None and person.lab.station.ready)
    person.activate()
    if person.view.spec.id != "recovery":
        person.command("Recovery")
    view = person.in_front("recovery")

    def found() -> dict[str, RecoveryRow]:
        return {row.channel: row for row in view._rows if row.run_id in runs.values()}

    person.wait(
        lambda: (
            len(found()) == len(runs) and all("V" in row.device and row.result for row in found().values())
        )
    )
    return found()


def refused_one(person: Person, run_id: str) -> None:
    """Accept a run that somebody else has just taken up: the station refuses it, and its row says so."""
    view = person.view
    person.select(view.table, lambda: [row.run_id for row in view._rows].index(run_id))
    with person.another("wang") as wang:
        wang.runs.take_up(run_id, reason="looked at it")
        person.press("Return")  # the window has not heard of it
    person.wait(lambda: any(row.run_id == run_id and "is being followed already" in row.result
                            for row in view.recovery.rows()))  # fmt: skip


def accept_one(person: Person, run_id: str) -> None:
    """Accept one run of the page with the arrows and Enter, once the station answers."""
    view = person.view
    person.wait(lambda: not any(row.why_not for row in view._rows if row.run_id == run_id))
    person.select(view.table, lambda: [row.run_id for row in view._rows].index(run_id))
    person.press("Return")
