"""U08 in the whole window on a real station: leads are moved as asked, a wrong cell is caught, the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.clock import link_now_s, link_pause
from labctl.gui.parts.confirm import Confirm
from labctl.gui.session import Session
from labctl.gui.views.channel.eisdialog import SendDialog
from labctl.model.handover import HandoverStatus, Stage
from labctl.testing.guistory import Person, answer, at_the_window
from labctl.testing.stationrun import StationRun, running_station

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
CELL, OTHER, CHANNEL, PSTAT = "C0101", "C0102", "neware:1-1", "pstat"
BENCH = f"""\
labctl: bench/1
name: u08
seed: 7
instruments:
  - {{name: neware, kind: neware-bts, devid: 33, devtype: 27, profile: calibrated,
     units: [{{unit: 1, model: 5V10mA, channels: 8}}]}}
chambers:
  - {{name: oven-60, air_degC: 60, setpoint_degC: 60, on: true}}
potentiostats:
  - {{name: {PSTAT}, model: es4_hr}}
cells:
  - {{cell_id: {CELL}, name: cell-101, variant: LFP-P, chamber: oven-60, slot: "{CHANNEL}"}}
  - {{cell_id: {OTHER}, name: cell-102, variant: LFP-P, chamber: oven-60, slot: "neware:1-2"}}
"""
PROTOCOL = """\
labctl: protocol/1
name: charge, rest, eis, discharge
for: lfp_li
record: {every: 10 s}
safety: {voltage: [0 V, 4.5 V]}
steps:
  - rest: 5 min
  - repeat: 2
    steps:
      - charge: 0.05 mA/cm^2
        until: {time: 10 min}
      - rest: 10 min
      - eis: {from: 10 kHz, to: 100 mHz, points_per_decade: 10, amplitude: 10 mV rms, on: pstat, via: operator}
      - discharge: 0.05 mA/cm^2
        until: {time: 10 min}
"""

REST = """\
labctl: protocol/1
name: one long rest
for: lfp_li
record: {every: 10 min}
safety: {voltage: [0 V, 4.5 V]}
steps:
  - rest: 50 h
"""
SLOW, SLOWER = 600.0, 30.0
"""Plant seconds a second while a person reaches for a run, and while they watch a sweep of three minutes. A poll of ten
minutes may be under way by then: it must be over while somebody still waits."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    """A station with one cycler, one potentiostat and a full cell."""
    folder: Path = tmp_path_factory.mktemp("u08")
    bench = folder / "bench.yaml"
    bench.write_text(BENCH, encoding="utf-8")
    with running_station(folder, "--bench", str(bench)) as found:
        yield found


def started(station: StationRun, cell: str = CELL, protocol: str = PROTOCOL) -> str:
    """Start a test; returns its run."""
    station.client.queue.submit([{"cell_id": cell, "protocol_text": protocol}])
    until_s = link_now_s() + 60.0
    while True:
        (status,) = (one for one in station.client.channels.list() if one.cell_id == cell)
        if status.run_id:
            return str(status.run_id)
        assert link_now_s() < until_s, station.client.queue.list()
        link_pause(0.1)


def asked(person: Person, stage: Stage) -> HandoverStatus:
    """Wait until a person is asked for a way, in the window; returns what is asked."""

    def found() -> list[HandoverStatus]:
        return [one for one in person.lab.handovers.values() if one.asked and one.stage is stage]

    person.wait(lambda: found() and person.view.prompt.isVisible())
    return found()[0]


def carry(station: StationRun, to: str) -> None:
    """Move the cell's leads."""
    station.bench.admin("cell.place", cell=CELL, to=to)


def test_u08_a_spectrum_out_of_turn_is_asked_for_in_the_channel_and_given_up_with_a_reason(
    station: StationRun, session: Session, qtbot: object
) -> None:
    station.bench.admin("pace", speed=SLOW)
    run_id = started(station, OTHER, REST)
    with at_the_window(station, session, qtbot) as person:
        person.window.go("channel", "neware:1-2")
        channel = person.in_front("channel")
        person.wait(lambda: channel.actions_.eis.isEnabled())
        person.push(channel.actions_.eis)
        dialog = person.dialog(SendDialog)
        for name, text in (("f_start", "10 kHz"), ("f_end", "10 Hz"), ("reason", "a look in between")):
            person.tab_to(dialog.fields[name])
            person.write(text)
        person.press("Return")
        person.wait(lambda: not dialog.isVisible())
        station.bench.admin("pace", speed="max")
        person.wait(lambda: channel.actions_.eis.text() == "Show in EIS")
        person.activate()
        person.push(channel.actions_.eis)
        view = person.in_front("eis")
        person.wait(lambda: view.prompt.isVisible() and "cell-102" in view.prompt.title.text(), 60_000)
        person.push(view.skip)
        answer(person, person.dialog(Confirm), "no free lead")
        asked(person, Stage.TO_CYCLER)  # nobody knows how far the leads had been moved: they are asked back
        person.activate()
        person.press("Ctrl+Return")
        person.wait(lambda: run_id not in person.lab.handovers, 30_000)
    kinds = [str(event.get("kind")) for event in station.client.runs.events(run_id)]
    assert "eis.requested" in kinds and "eis.given_up" in kinds


def test_u08_a_cell_goes_to_the_potentiostat_in_mid_run_and_back_and_both_stand_in_one_time_line(
    station: StationRun, session: Session, qtbot: object
) -> None:
    run_id = started(station)
    with at_the_window(station, session, qtbot) as person:
        person.wait(lambda: "eis" in person.window.rail.ids)
        person.press("Ctrl+7")
        view = person.in_front("eis")
        asked(person, Stage.TO_POTENTIOSTAT)
        assert view.prompt.title.text() == "Move the leads of cell-101 from channel 1-1 to pstat"
        person.press("Ctrl+Return")  # nobody has moved anything
        person.wait(lambda: view.prompt.accept.isVisible())
        assert view.prompt.expected.accessibleName().startswith("expected OCV 3.")
        assert "measured OCV" in view.prompt.measured.accessibleName() and view.prompt.trouble.text()
        carry(station, PSTAT)
        station.bench.admin("pace", speed=SLOWER)
        person.press("Ctrl+Return")
        person.wait(lambda: 8 < len(view.model.live.points) < 51 and "so far" in view.residuals.note.text())
        station.bench.admin("pace", speed="max")
        asked(person, Stage.TO_CYCLER)
        assert view.prompt.title.text() == "Move the leads of cell-101 from pstat to channel 1-1"
        carry(station, CHANNEL)
        person.press("Ctrl+Return")
        second = asked(person, Stage.TO_POTENTIOSTAT)  # the run went on by itself, to its second spectrum
        assert second.run_id == run_id and second.cycle == 1
        person.wait(lambda: len(view.history.table.rows.keys) == 1 and view.fit.rows.rows)
        assert view.residuals.note.text() == "valid"
        assert view.history.table.rows.keys == (f"{run_id}-e1",)
        person.press("Ctrl+2")
        events = person.in_front("channel").models.events
        person.wait(
            lambda: events.run_id == run_id and any("spectrum 1" in row.what for row in events.rows())
        )
        told = [row.what for row in reversed(events.rows())]
    marks = ("spectrum 1: the cell is measured", "spectrum 1 is over: whole, 51 points", "segment 3, pass 1")
    places = [next(at for at, text in enumerate(told) if mark in text) for mark in marks]
    assert places == sorted(places), "the spectrum and the steps around it stand in one time line"
