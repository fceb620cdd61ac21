"""Compare and reports on a real station: tests that ran on the virtual bench, drawn and saved (U07, U10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from PySide6.QtCore import Qt

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
CYCLES = 4


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A station on which two symmetric cells have run a few cycles."""
    from labctl.model.job import OPEN_STATES, JobSpec
    from labctl.testing.stationrun import running_station

    with running_station(tmp_path_factory.mktemp("compared")) as found:
        known = {cell.cell_id: cell for cell in found.client.cells.list()}
        cells = [
            s for s in found.client.channels.list() if s.cell_id and known[s.cell_id].kind == "symmetric"
        ][:2]
        settings = {"cycles": str(CYCLES), "opening_rest": "10 min"}
        wishes = [
            JobSpec(cell_id=one.cell_id, protocol="p1-li-li-1mA", channels=(one.channel,), variables=settings)
            for one in cells
        ]
        found.client.queue.submit(wishes)
        from labctl.clock import link_now_s, link_pause

        until_s = link_now_s() + 90.0
        while any(job.state in OPEN_STATES for job in found.client.queue.list()) and link_now_s() < until_s:
            link_pause(0.2)
        yield found


@pytest.fixture
def context(station: Any, session: Any, qtbot: Any) -> Iterator[Any]:
    """What a window gives to its views, on that station."""
    from labctl.gui.desk import Desk
    from labctl.gui.parts.view import Context

    async def connect(start: bool) -> Any:
        from labctl.api.client.aio.connecting import connect_async

        return await connect_async(None, station.data, start=False, person="chen")

    desk, said = Desk(connect), list[Any]()
    desk.start()
    qtbot.waitUntil(lambda: desk.lab.link.live and len(desk.lab.cells) > 0, timeout=20000)
    yield Context(desk.lab, desk.bridge, desk.acts, desk.bridge, session, lambda *to: said.append(to), said.append,
                  said.append)  # fmt: skip
    assert desk.close()


def test_cells_of_a_real_station_are_compared_over_time_and_by_cycle(context: Any, qtbot: Any) -> None:
    from labctl.gui.viewmodels.panels import Kind
    from labctl.gui.views.compare import VIEW
    from labctl.gui.views.compare.page import CompareView
    from labctl.gui.views.compare.picker import PickDialog

    view = VIEW.make(context)
    assert isinstance(view, CompareView)
    qtbot.addWidget(view)
    view.retranslate()
    view.resize(1528, 892)
    view.show()
    view.shown()
    view.add_runs()
    dialog = view.findChild(PickDialog)
    qtbot.waitUntil(lambda: [row.cycles for row in dialog.model.rows] == [CYCLES, CYCLES], timeout=20000)
    dialog.table.selectAll()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Space)
    dialog.accept()
    qtbot.waitUntil(lambda: view.compare.last_cycle == CYCLES and not view.compare.waiting, timeout=20000)
    qtbot.waitUntil(lambda: len(view.board.cards) > 0, timeout=20000)
    profile = view.board.cards[0]
    qtbot.waitUntil(lambda: profile.bounds() is not None and profile.bounds().y_max > 0.02, timeout=20000)
    assert profile.panel.card.kind is Kind.PROFILE and not profile.panel.why
    qtbot.waitUntil(
        lambda: len(view.board.overlays) > 0 and len(view.board.overlays[0].panel.series) >= 4, timeout=20000
    )
    view.refresh()
    over = next(card.panel for card in view.board.cards if card.panel.card.kind is Kind.POLARISATION)
    assert [len(one.x) for one in over.series] == [CYCLES, CYCLES]
    assert all(float(one.y.max()) > 5.0 for one in over.series)
    view.hidden()
    view.compare.close()


def test_a_figure_of_a_real_station_is_saved_with_its_runs_below(
    context: Any, qtbot: Any, tmp_path: Path
) -> None:
    from labctl.gui.viewmodels.reports import Template
    from labctl.gui.views.reports import VIEW
    from labctl.gui.views.reports.page import ReportView

    view = VIEW.make(context)
    assert isinstance(view, ReportView)
    qtbot.addWidget(view)
    view.retranslate()
    view.show()
    view.shown()
    runs: list[Any] = []
    context.asks.ask("runs.list", then=runs.extend)
    qtbot.waitUntil(lambda: len(runs) == 2, timeout=20000)
    view.undo.do(view.report.set(template=Template.LILI))
    view.undo.do(view.report.compare.add(runs))
    qtbot.waitUntil(lambda: view.drawn is not None and len(view.drawn[0]) == 2, timeout=20000)
    traces = [view.report.compare.trace(run.run_id) for run in runs]
    qtbot.waitUntil(lambda: not any(trace.waiting for trace in traces), timeout=20000)
    view.refresh()
    view.choose_file = lambda name: str(tmp_path / name)
    view.save("svg")
    tree = fromstring((tmp_path / "lili.svg").read_bytes())
    words = ["".join(one.itertext()).strip() for one in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "voltage / V" in words and "overpotential / mV" in words
    assert any(str(runs[0].run_id) in word for word in words)
    assert (tmp_path / "lili.csv").stat().st_size > 1000
    view.report.close()
