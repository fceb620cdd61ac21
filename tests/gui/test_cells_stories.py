"""Paste, a wrong mass, a wrong cell, a staggered start, and a killed station: the real window on a real station."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from labctl.gui.desk import Desk
from labctl.gui.i18n.translating import Languages
from labctl.gui.opening import Opener
from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.stopall import stop_all
from labctl.gui.session import Session
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.starts import Verdict
from labctl.gui.views.cells import VIEW as CELLS
from labctl.gui.views.firstrun import VIEW as FIRSTRUN
from labctl.gui.views.recovery import VIEW as RECOVERY
from labctl.gui.views.start import VIEW as START
from labctl.gui.window import MainWindow
from labctl.model.cell import CellKind
from labctl.testing.guistory import WAIT_MS, long_test
from labctl.testing.guiviews import press, tab_to, type_text
from labctl.testing.stationrun import StationRun, connected, end, running_station, serve

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]

HEADER = "slot\tcell id\ttype\tgroup\tmass / mg\tarea / cm²\tOCV\tbatch\tprotocol\tnote"


@pytest.fixture
def station(tmp_path: Any) -> Iterator[StationRun]:
    with running_station(tmp_path) as found:
        yield found


@pytest.fixture
def window(station: StationRun, session: Session, qtbot: Any) -> Iterator[MainWindow]:
    async def connect(start: bool) -> Any:
        from labctl.api.client.aio.connecting import connect_async

        return await connect_async(None, station.data, start=False, person="chen")

    made = MainWindow(session, Languages())
    desk = Desk(connect, made)
    made.attach(desk)
    made.show_views((CELLS, START, RECOVERY, FIRSTRUN))
    made.opener = Opener(made)
    made.resize(1600, 1000)
    with qtbot.waitActive(made, timeout=WAIT_MS):
        made.show()
        made.activateWindow()
    desk.start()
    qtbot.waitUntil(
        lambda: desk.lab.link.live and len(desk.lab.channels) == 16 and desk.lab.station is not None,
        timeout=WAIT_MS,
    )
    yield made
    made.close()
    made.deleteLater()
    stop_all().show(Phase.IDLE)


def freed(station: StationRun, window: MainWindow, qtbot: Any, count: int) -> list[tuple[str, float]]:
    """Take registered symmetric cells out of channels; returns these slots with what stands in them, in V."""
    assert window.desk is not None
    lab = window.desk.lab
    cells = {cell.cell_id: cell for cell in station.client.cells.list()}
    chosen = [status.channel for status in station.client.channels.list()
              if status.cell_id and cells[status.cell_id].kind is CellKind.SYMMETRIC][:count]  # type: ignore[index]  # fmt: skip
    assert len(chosen) == count
    for channel in chosen:
        station.client.channels.eject(channel, reason="new cells come")
    qtbot.waitUntil(
        lambda: all(not lab.channels[c].cell_id and lab.channels[c].voltage_V == lab.channels[c].voltage_V
                    for c in chosen), timeout=WAIT_MS)  # fmt: skip
    bench = cabinet(lab.channels)
    return [(bench.label(channel), lab.channels[channel].voltage_V) for channel in chosen]


def test_u02_to_u05_cells_from_a_spreadsheet_run_and_a_wrong_one_cannot_be_started(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    places = freed(station, window, qtbot, 4)
    rows = [HEADER]
    for number, (slot, ocv_V) in enumerate(places):
        registered_V = ocv_V + (1.5 if number == 3 else 0.0)  # the fourth is another cell than its label says
        area = "11.31" if number == 1 else "1.131"  # the second has a slip of the point
        rows.append(
            f"{slot}\tN{number:03}\tsym\tpristine\t-\t{area}\t{registered_V:.3f}\tB1\tp1-li-li-1mA\t第{number}个"
        )
    rows += [f"\tN{number:03}\tsym\tpristine\t-\t1.131\t0.000\tB1\tp1-li-li-1mA\t" for number in range(4, 16)]
    window.go("cells")
    view: Any = window.front
    QGuiApplication.clipboard().setText("\n".join(rows))
    tab_to(view.entry)
    press("Ctrl+V")
    assert len(view.cells.rows) == 16 and "1 question" in view.counted.text()
    qtbot.waitUntil(lambda: any("mA" in button.text() for button in view.entry.answers), timeout=WAIT_MS)
    tab_to(view.entry.answers[1])
    press("Space")
    assert (
        view.cells.rows[1].number(Col.AREA) == pytest.approx(1.131) and "question" not in view.counted.text()
    )
    press("F5", view.entry)
    qtbot.waitUntil(lambda: window.front is not None and window.front.spec.id == "start", timeout=WAIT_MS)
    registered = {cell.cell_id: cell for cell in station.client.cells.list()}
    assert {f"N{number:03}" for number in range(16)} <= set(registered) and registered[
        "N001"
    ].area_cm2 == 1.131  # type: ignore[comparison-overlap]
    assert registered["N003"].notes == "第3个"  # type: ignore[index]
    review: Any = window.front
    qtbot.waitUntil(
        lambda: [row.verdict for row in review._rows][:4].count(Verdict.REFUSED) == 1
        and not any(row.verdict is Verdict.CHECKING for row in review._rows[:4])
        and review.starts.ticked() == (0, 1, 2), timeout=WAIT_MS)  # fmt: skip
    qtbot.waitUntil(
        lambda: "another cell" in review._rows[3].why_not and "mA" in review._rows[0].current, timeout=WAIT_MS
    )
    tab_to(review.stagger)
    review.stagger.selectAll()
    type_text("30")
    press("Return")
    qtbot.waitUntil(lambda: review.start.isEnabled() and review.starts.ticked() == (0, 1, 2), timeout=WAIT_MS)
    press("F5", review.table)
    qtbot.waitUntil(
        lambda: [row.verdict for row in review._rows[:3]] == [Verdict.QUEUED] * 3, timeout=WAIT_MS
    )
    qtbot.waitUntil(lambda: {"N000", "N001", "N002"} <= {run.cell_id for run in station.client.runs.list()},
                    timeout=WAIT_MS)  # fmt: skip
    runs = {run.cell_id: run for run in station.client.runs.list()}
    assert "N003" not in runs, "the row that does not fit was never started"
    where = {wish.cell_id: wish.channel for wish in review.starts._wishes}
    assert {cell: runs[cell].channel for cell in ("N000", "N001", "N002")} == {
        cell: where[cell] for cell in ("N000", "N001", "N002")
    }


def test_u11_after_the_station_is_killed_its_runs_are_listed_and_none_is_started_again(
    station: StationRun, window: MainWindow, qtbot: Any, tmp_path: Any
) -> None:
    assert window.desk is not None
    lab = window.desk.lab
    loaded = [status for status in station.client.channels.list() if status.cell_id][:3]
    station.client.queue.submit([long_test(status.cell_id) for status in loaded])
    qtbot.waitUntil(lambda: len(station.client.runs.list(state="running")) == 3, timeout=WAIT_MS)
    before = {run.run_id for run in station.client.runs.list()}
    station.process.kill()
    station.process.wait()
    qtbot.waitUntil(lambda: not lab.link.live, timeout=WAIT_MS)
    again = serve(station.station_file, station.data)
    try:
        with connected(again, station.data) as client:
            qtbot.waitUntil(
                lambda: lab.link.live and lab.station is not None and lab.station.ready, timeout=WAIT_MS
            )
            window.go("recovery")
            view: Any = window.front
            qtbot.waitUntil(lambda: len(view.recovery.rows()) == 3, timeout=WAIT_MS)
            qtbot.waitUntil(
                lambda: {row.proposal.value for row in view.recovery.rows()} == {"nothing"}, timeout=WAIT_MS
            )
            rows = view.recovery.rows()
            assert {row.run_id for row in rows} == before and all("since" in row.was for row in rows)
            assert {run.run_id for run in client.runs.list()} == before, "nothing was started by anybody"
    finally:
        end(again)


def test_an_empty_station_opens_its_first_steps_by_itself(
    tmp_path: Any, session: Session, qtbot: Any
) -> None:
    file = tmp_path / "station.yaml"
    file.write_text("labctl: station/1\nname: new bench\ninstruments: []\n", encoding="utf-8")
    data = tmp_path / "data"
    process = serve(file, data)
    try:
        with connected(process, data):

            async def connect(start: bool) -> Any:
                from labctl.api.client.aio.connecting import connect_async

                return await connect_async(None, data, start=False, person="chen")

            made = MainWindow(session, Languages())
            desk = Desk(connect, made)
            made.attach(desk)
            made.show_views((CELLS, START, RECOVERY, FIRSTRUN))
            made.go("start")
            made.opener = Opener(made)
            qtbot.addWidget(made)
            made.show()
            desk.start()
            qtbot.waitUntil(lambda: desk.lab.link.live and desk.lab.station is not None, timeout=WAIT_MS)
            qtbot.wait(1200)
            assert made.front is not None and made.front.spec.id == "start", "nobody is taken from their work"
            made.go("firstrun")
            view: Any = made.front
            qtbot.waitUntil(lambda: "No instruments yet" in view.heading.text(), timeout=WAIT_MS)
            assert QApplication.focusWidget() is None or view.demo.button.isEnabled()
            made.close()
    finally:
        end(process)
