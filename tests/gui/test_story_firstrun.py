"""From an empty station to its first tester by keys alone, in the whole window: asked, corrected, added, taken up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labctl.config.station import load_station
from labctl.gui.session import Session
from labctl.model.bench import LinkState
from labctl.testing.guistory import Person, whole_window
from labctl.testing.sim import running_bench
from labctl.testing.stationrun import StationRun, connected, end, serve

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
EMPTY = "# our bench\nlabctl: station/1\nname: new bench\ninstruments: []   # none yet\n"


def test_an_unknown_tester_is_asked_corrected_added_and_taken_up_by_the_next_start_of_the_station(
    session: Session, qtbot: Any, tmp_path: Path
) -> None:
    file, data = tmp_path / "station.yaml", tmp_path / "data"
    file.write_text(EMPTY, encoding="utf-8")
    with running_bench("--mode", "free", "--state", str(tmp_path / "bench"), "--bench", "campaign") as bench:
        address = load_station(bench.station_file).instruments[0].resource
        process = serve(file, data)
        try:
            with connected(process, data) as client, whole_window(data, session, qtbot) as window:
                person = Person(window, StationRun(bench, process, data, file, client), qtbot)
                joined(person, address, tmp_path)
                text = file.read_text(encoding="utf-8")
                assert text.startswith("# our bench\n") and "# none yet" in text and address in text
                assert (tmp_path / "station.yaml.before").read_text(encoding="utf-8") == EMPTY
                assert not person.lab.instruments, "it is taken up by the next start, as it says"
                end(process)
                process = serve(file, data)
                person.wait(lambda: [box.link for box in person.lab.instruments.values()] == [LinkState.LIVE])
                person.wait(lambda: len(person.lab.channels) == 16)
        finally:
            end(process)
        assert bench.admin("truth", slot="neware:1-1")["commands"] == [], "asking has driven nothing"


def joined(person: Person, address: str, folder: Path) -> None:
    """Find the tester, have it asked, mend what it says is missing, add it; a second time is refused."""
    view = person.in_front("firstrun")  # opens by itself: there is nothing else to do here
    person.push(view.neware.button)
    wizard = view.wizard
    person.tab_to(wizard.address)
    person.write(address)
    person.press("Return")
    person.wait(lambda: any(row.good for row in view.finder.rows()))
    person.push(wizard.ask)
    person.wait(lambda: "the model of unit 2 is not known" in wizard.answer.text())
    lines = wizard.lines.toPlainText().replace("5V10mA}", '5V10mA, "2": 5V10mA}')
    person.tab_to(wizard.lines)
    person.press("Ctrl+A")
    person.paste(lines.replace("./steps", f"{folder}/steps"))
    person.push(wizard.ask)
    person.wait(lambda: "16 channels" in wizard.answer.text())
    person.push(wizard.add)
    person.wait(lambda: "Start the station anew" in wizard.answer.text())
    person.push(wizard.ask)
    person.wait(lambda: "'neware' is there twice" in wizard.answer.text())
