"""U16: one day at the bench by keys alone, U02 to U14, in the whole window on a real station (docs/gui-stories.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtWidgets import QApplication

from labctl.gui.session import Session
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.filters import Quantity
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.starts import Verdict
from labctl.gui.views.compare.picker import PickDialog
from labctl.gui.views.station.filterdialog import FilterDialog
from labctl.testing.guistory import Person, at_the_window
from labctl.testing.stationrun import running_station

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
HEADER = "slot\tcell id\ttype\tgroup\tarea / cm²\tOCV\tprotocol"
NEW = 3


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    with running_station(tmp_path_factory.mktemp("keyboard")) as found:
        yield found


def test_u16_a_day_at_the_bench_needs_no_mouse(
    station: StationRun, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    with at_the_window(station, session, qtbot) as person:
        running = person.idle()[4:6]
        person.start(*running)
        cells = load_and_start(person)
        find_dead(person, running)
        watch(person)
        compare(person)
        figure(person, tmp_path)
        protocol(person)
        queue(person, running[0])
        alarms(person)
        recovery(person)
        assert not person.trouble
        runs = {run.cell_id for run in station.client.runs.list()}
        assert cells <= runs


def load_and_start(person: Person) -> set[str]:
    """U02 to U05: three cells pasted, one wrong area answered, one wrong cell not started."""
    taken = person.idle()[:NEW]
    for channel in taken:
        person.station.client.channels.eject(channel, reason="new cells come")
    lab = person.lab
    person.wait(
        lambda: all(not lab.channels[one].cell_id and lab.channels[one].voltage_V == lab.channels[one].voltage_V
                    for one in taken)
    )  # fmt: skip
    bench = cabinet(lab.channels)
    rows = [HEADER]
    for number, channel in enumerate(taken):
        area = "11.31" if number == 1 else "1.131"
        ocv_V = lab.channels[channel].voltage_V + (1.5 if number == 2 else 0.0)
        rows.append(f"{bench.label(channel)}\tK{number:03}\tsym\tpristine\t{area}\t{ocv_V:.3f}\tp1-li-li-1mA")
    rows += [f"\tK{number:03}\tsym\tpristine\t1.131\t0.000\tp1-li-li-1mA" for number in range(NEW, 8)]
    person.press("Ctrl+6")
    view = person.in_front("cells")
    person.tab_to(view.entry)
    person.paste("\n".join(rows))
    assert len(view.cells.rows) == 8
    person.press("Ctrl+Z")
    assert not view.cells.rows
    person.press("Ctrl+Y")
    person.wait(lambda: any("mA" in button.text() for button in view.entry.answers))
    person.wait(lambda: "1 question" in view.counted.text())
    person.push(view.entry.answers[1])
    assert view.cells.rows[1].number(Col.AREA) == pytest.approx(1.131)
    person.press("F5")
    review = person.in_front("start")
    person.wait(lambda: [row.verdict for row in review._rows][:NEW].count(Verdict.REFUSED) == 1
                and review.starts.ticked() == (0, 1))  # fmt: skip
    person.tab_to(review.stagger)
    person.write("20")
    person.press("Return")
    person.tab_to(review.table)
    person.wait(lambda: review.start.isEnabled() and review.starts.ticked() == (0, 1))
    person.press("F5")
    person.wait(lambda: [row.verdict for row in review._rows[:2]] == [Verdict.QUEUED] * 2)
    person.wait(lambda: {"K000", "K001"} <= {run.cell_id for run in person.station.client.runs.list()})
    return {"K000", "K001"}


def find_dead(person: Person, running: list[str]) -> None:
    """U09: a filter is made in the palette; a limit that is no number is refused in words."""
    person.press("Ctrl+1")
    view = person.in_front("station")
    person.command("New filter")
    dialog = person.dialog(FilterDialog)
    person.write("worn")
    for quantity, tick in dialog.ticks.items():
        if tick.isChecked() != (quantity is Quantity.OVERPOTENTIAL_ABOVE):
            person.push(tick)
    person.tab_to(dialog.limits[Quantity.OVERPOTENTIAL_ABOVE])
    person.write("abc")
    assert not dialog.keep.isEnabled() and dialog.told.text()
    person.write("0.0001")
    person.wait(dialog.keep.isEnabled)
    person.press("Return")
    person.activate()
    person.wait(lambda: set(running) <= set(view.grid.order) and len(view.grid.order) < 16)
    person.command("No filter")
    person.wait(lambda: len(view.grid.order) == 16)


def watch(person: Person) -> None:
    """U06: a channel chosen with the arrows is opened with Enter; its plot is panned, fitted, made logarithmic."""
    view = person.in_front("station")
    person.tab_to(view.tiles)
    person.press("Home")
    while not person.lab.channels[view.selection.current].rows:
        person.press("Right")
    person.press("Return")
    detail = person.in_front("channel")
    person.wait(lambda: len(detail.plots.time.measured()) > 3)
    main = detail.plots.time.main
    person.tab_to(main)
    person.press("Left")
    assert not main.follow
    person.press("R")
    person.wait(lambda: main.follow)
    person.press("L")
    person.press("F")
    person.press("Alt+Left")
    person.in_front("station")


def choose_runs(person: Person, search: str) -> None:
    dialog = person.dialog(PickDialog)
    assert not dialog.add.isEnabled()
    person.write(search)
    person.wait(lambda: dialog.model.rows)
    person.tab_to(dialog.table)
    person.press("Ctrl+A")
    person.press("Space")
    person.press("Return")
    person.wait(lambda: not dialog.isVisible())
    person.activate()


def compare(person: Person) -> None:
    """U07: runs are added; units are switched by the arrows, nothing is loaded again."""
    person.press("Ctrl+3")
    view = person.in_front("compare")
    person.push(view.empty_add)
    choose_runs(person, "p1")
    person.wait(lambda: len(view.compare.lines()) >= 4)
    person.wait(lambda: view.stack.currentWidget() is view.content)


def figure(person: Person, folder: Path) -> None:
    """U10: a figure and its data from runs chosen by keys."""
    person.press("Ctrl+9")
    view = person.in_front("reports")
    view.choose_file = lambda name: str(folder / name)
    person.push(view.empty_add)
    choose_runs(person, "p1")
    person.wait(lambda: view.drawn is not None)
    person.press("Ctrl+E")
    person.wait(lambda: {path.suffix for path in folder.glob("*.*")} >= {".svg", ".csv"})


def protocol(person: Person) -> None:
    """U13: a ready-made protocol is opened, a label edited, taken back, and kept as one's own."""
    person.press("Ctrl+4")
    view = person.in_front("protocol")
    person.wait(lambda: view.shelf.model.rowCount() > 2)
    person.press("Ctrl+F")
    person.write("p1-li-li-1mA")
    person.wait(lambda: [entry.name for entry in view.shelf.library.entries()] == ["p1-li-li-1mA"])
    person.tab_to(view.shelf.table)
    person.press("Return")
    person.wait(lambda: view.editor.is_open and view.editor.is_checked)
    assert view.editor.origin.name == "p1-li-li-1mA"
    before = view.editor.document.text
    person.tab_to(view.desk.table)
    person.press("Ctrl+Home")
    person.press("Right", 2)
    person.press("F2")
    person.write("soaking")
    person.press("Return")
    person.wait(lambda: "soaking" in view.editor.document.text)
    person.press("Ctrl+Z")
    assert view.editor.document.text == before
    person.press("Ctrl+Y")
    person.press("F7")
    person.wait(lambda: view.editor.is_checked)
    person.press("Ctrl+S")
    person.write("by-keys")
    person.press("Return")
    person.wait(lambda: view.editor.origin.revision == 1)
    assert "soaking" in person.station.client.protocols.get("by-keys").text


def queue(person: Person, channel: str) -> None:
    """U14: what waits behind a running test is moved up, held, released and taken out."""
    cell = person.lab.channels[channel].cell_id
    wish = {"cell_id": cell, "protocol": "p1-li-li-1mA"}
    first, second = (
        str(person.station.client.queue.submit([{**wish, "variables": {"cycles": str(n)}}]).jobs[0].job_id)
        for n in (7, 8)
    )
    person.press("Ctrl+5")
    view = person.in_front("queue")
    person.wait(lambda: {first, second} <= set(view.queue.order()))
    person.select(view.table, lambda: view.model.place_of(second))
    person.wait(view.hold_button.isEnabled)
    person.press("Alt+Up")
    person.wait(lambda: view.queue.order().index(second) < view.queue.order().index(first))
    person.press("Ctrl+H")
    person.wait(lambda: person.station.client.queue.get(second).state == "held")
    person.wait(lambda: view.hold_button.text() == "Release" and view.remove_button.isEnabled())
    person.press("Delete")
    person.wait(lambda: person.station.client.queue.get(second).state == "removed")


def alarms(person: Person) -> None:
    """U12: an alarm is seen to with one key."""
    channel = person.idle()[-1]
    person.start(channel)
    person.station.bench.admin("fault", instrument="neware", slot=channel, kind="protect")
    person.press("Ctrl+8")
    view = person.in_front("alarms")
    person.wait(lambda: view.model.rowCount() > 0)
    person.tab_to(view.table)
    person.press("Ctrl+Home")
    key = view.chosen()[0]
    person.press("A")
    person.wait(lambda: key not in person.lab.alarms or person.lab.alarms[key].state == "acknowledged")


def recovery(person: Person) -> None:
    """U11: the page of what needs a person after a restart is one command away."""
    person.command("Recovery")
    view = person.in_front("recovery")
    assert QApplication.focusWidget() is not None and view.isVisible()
