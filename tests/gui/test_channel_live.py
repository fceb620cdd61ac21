"""U06 on a real station with a virtual bench, in the whole window: a new row is drawn, a gap breaks, BAD is no line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from labctl.gui.plots.data import BAD, GAP
from labctl.gui.session import Session
from labctl.gui.views.channel import VIEW
from labctl.gui.views.channel.view import ChannelView
from labctl.gui.window import MainWindow
from labctl.testing.guistory import WAIT_MS, long_test, window_with

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.usefixtures("look"), pytest.mark.slow]
AGAIN_MS = 200


@pytest.fixture
def window(station: StationRun, session: Session, qtbot: Any) -> Iterator[MainWindow]:
    with window_with(station, session, qtbot, VIEW) as made:
        yield made


def running_view(station: StationRun, window: MainWindow, qtbot: Any) -> ChannelView:
    """Start a run that lasts and return the view on it, with rows drawn."""
    assert window.desk is not None and window.docks is not None
    lab = window.desk.lab
    channel = next(name for name in sorted(lab.channels) if lab.channels[name].cell_id)
    station.client.queue.submit([long_test(lab.channels[channel].cell_id)])
    window.go("channel", channel)
    view = window.docks.view("channel")
    assert isinstance(view, ChannelView)
    qtbot.waitUntil(lambda: len(view.plots.time.measured()) > 3, timeout=WAIT_MS)
    return view


def test_u06_a_row_that_the_station_has_is_drawn_and_its_figures_follow(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = running_view(station, window, qtbot)
    run_id = view.models.run_id
    newest_s = view.plots.time.measured()[-1]
    qtbot.waitUntil(lambda: view.plots.time.measured()[-1] > newest_s, timeout=WAIT_MS)
    stored = station.client.runs.records(run_id, columns=["sequence", "test_time_second", "voltage_volt"])
    last_s = float(stored.column("test_time_second")[-1].as_py())
    qtbot.waitUntil(lambda: view.plots.time.measured()[-1] >= last_s, timeout=WAIT_MS)
    assert view.plots.time.main.follow
    qtbot.waitUntil(
        lambda: view.chips.step.accessibleName().startswith(("CC-", "REST"))
        and "mV" in view.readouts.parts["voltage"].accessibleName(), timeout=WAIT_MS)  # fmt: skip
    qtbot.waitUntil(lambda: view.models.limits.known, timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: {"V max", "|I| max"} <= {row.name for row in view.models.limits.rows()}, timeout=WAIT_MS
    )
    main = view.plots.time.main
    main.setFocus()
    qtbot.keyClick(main, Qt.Key.Key_Left)
    assert not main.follow and main.live_button.isVisible()


def test_u06_a_bad_reading_is_a_cross_and_lost_rows_are_a_break(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = running_view(station, window, qtbot)
    channel, run_id = view.models.channel.channel, view.models.run_id
    box = channel.partition(":")[0]

    def stored() -> Any:
        return station.client.runs.records(run_id, columns=["quality", "test_time_second", "voltage_volt"])

    station.bench.admin("fault", instrument=box, slot=channel, kind="bad_value", field="volt_V", value="nan")
    qtbot.waitUntil(lambda: bool(np.any(stored().column("quality").to_numpy() != 0)), timeout=WAIT_MS)
    station.bench.admin("fault", instrument=box, slot=channel, kind="bad_value", on=False)
    curve = view.plots.time._curves.main

    ends_s: list[float] = []

    def lost() -> bool:
        """Have the tester lose records, once more where it had sent them before; tells where the hole ends."""
        station.bench.admin("fault", instrument=box, slot=channel, kind="overrun", records=50)
        qtbot.wait(AGAIN_MS)
        series = station.client.runs.series(run_id, ["voltage_volt"], width=4000)
        begins_s = series.column("x_first").to_numpy()
        ends_s[:] = begins_s[1:][series.column("flags").to_numpy()[1:] & GAP != 0].tolist()
        return bool(ends_s)

    qtbot.waitUntil(lost, timeout=WAIT_MS)
    view.plots.time.main.set_follow(False)  # the run goes on: what is looked at must not move away
    view.plots.time.main.set_x_range(0.0, 1.1 * ends_s[0])
    qtbot.waitUntil(
        lambda: curve.held is not None and len(curve.held.envelope.gaps) > 0
        and bool(np.any(curve.held.envelope.flags & BAD)), timeout=WAIT_MS)  # fmt: skip
    assert curve.held is not None
    begin, end = curve.held.envelope.gaps[0]
    assert end > begin and curve.value_at((begin + end) / 2) is None
    flags = curve.held.envelope.flags
    assert np.all(np.isfinite(curve.held.envelope.high) | ((flags & BAD) != 0)), (
        "BAD alone has no value to draw"
    )
