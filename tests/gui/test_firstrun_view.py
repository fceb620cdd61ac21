"""An empty station: three ways on, six steps, and a wizard that finds and tests without driving anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from labctl.config import plugged
from labctl.config.plugged import Plugged
from labctl.config.station import load_station
from labctl.gui.parts.why import why
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.batches import Me
from labctl.model.bench import TriedDevice
from labctl.model.person import Role
from labctl.testing.guibench import INFO
from labctl.testing.guilab import box, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")

ENERGISING = ("queue.submit", "runs.resume", "channels.set_ready", "chambers.set")


@pytest.fixture
def bench(session: Any, monkeypatch: pytest.MonkeyPatch) -> ViewBench:
    monkeypatch.setattr(plugged, "visa_resources", lambda: ())
    monkeypatch.setattr(
        plugged, "serial_ports", lambda: (Plugged("serial", "serial:///dev/ttyUSB0", "USB-RS485 n/a"),
                                          Plugged("serial", "serial:///dev/ttyS0", "n/a n/a"))
    )  # fmt: skip
    made = ViewBench(session)
    made.lab.take_info(replace(INFO, free_bytes=412_000_000_000))
    made.asks.answers.update({"protocols.list": [object()] * 8, "notify.status": {"people": []}})
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> Any:
    return bench.open("firstrun", qtbot)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(2.0)
        yield server


def test_the_safe_way_on_has_the_keyboard_and_is_the_loudest(view: Any) -> None:
    assert view.heading.text() == "No instruments yet" and "Nothing is driven" in view.lead.text()
    assert QApplication.focusWidget() is view.demo.button


def test_the_virtual_bench_opens_with_enter_in_a_window_of_its_own(view: Any, bench: ViewBench) -> None:
    started: list[str] = []
    view.launch = lambda: bool(started.append("demo") or True)
    press("Space")
    assert started == ["demo"] and "window of its own" in bench.said[0]
    view.launch = lambda: False
    press("Space")
    assert "labctl gui --demo" in view.bar.note


def test_the_path_has_six_steps_with_what_is_done_and_leads_to_each(view: Any, bench: ViewBench) -> None:
    names = [row.accessibleName() for row in view.steps]
    assert len(names) == 6 and names[0].startswith("1 Data folder: 412") and view.progress.text() == "2 of 6"
    tab_to(view.steps[2])
    press("Return")
    assert bench.gone == [("cells", None)]
    tab_to(view.steps[4])
    press("Return")
    assert bench.gone[-1] == ("settings", "notify")
    tab_to(view.steps[1])
    press("Return")
    assert view.stack.currentWidget() is view.wizard, "without instruments the step is the wizard"


def test_cells_can_be_imported_before_any_instrument_is_there(view: Any, bench: ViewBench) -> None:
    tab_to(view.cells.button)
    press("Space")
    assert bench.gone == [("cells", None)]


def open_wizard(view: Any) -> Any:
    tab_to(view.neware.button)
    press("Space")
    return view.wizard


def test_the_wizard_lists_ports_and_says_nothing_to_them(view: Any, bench: ViewBench) -> None:
    wizard = open_wizard(view)
    assert [row[0].text for row in wizard.found_model.rows] == [
        "serial:///dev/ttyUSB0",
        "serial:///dev/ttyS0",
    ]
    assert [row[1].text for row in wizard.found_model.rows] == ["USB-RS485", "serial port"]
    assert not set(bench.asks.verbs) & set(ENERGISING)


def test_an_address_that_answers_is_told_without_one_byte_sent(view: Any, listening: socket.socket) -> None:
    wizard = open_wizard(view)
    assert QApplication.focusWidget() is wizard.address
    type_text(f"127.0.0.1:{listening.getsockname()[1]}")
    press("Return")
    row = wizard.found_model.rows[-1]
    assert row[2].text == "the port opens; nothing was sent" and row[2].tone == ""
    connection, _ = listening.accept()
    with connection:
        assert connection.recv(100) == b""


def test_an_address_where_nobody_listens_says_so(view: Any, listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    listening.close()
    wizard = open_wizard(view)
    type_text(f"127.0.0.1:{port}")
    press("Return")
    row = wizard.found_model.rows[-1]
    assert row[2].tone == "hard" and row[2].text


@pytest.mark.parametrize("text", ["", "two words", "host:99999", "http://x/y"])
def test_what_is_no_address_is_refused_in_words_before_anything_is_opened(view: Any, text: str) -> None:
    wizard = open_wizard(view)
    type_text(text)
    press("Return")
    assert wizard.problem.isVisible() and wizard.address.property("problem") == "true"
    assert len(wizard.found_model.rows) == 2


def test_the_lines_for_the_station_file_are_a_station_file(
    view: Any, bench: ViewBench, tmp_path: Any
) -> None:
    wizard = open_wizard(view)
    type_text("10.0.0.7")
    view.finder._work = lambda function, then, failed: then("no answer within 2 s")
    press("Return")
    tab_to(wizard.copy)
    press("Space")
    text = QGuiApplication.clipboard().text()
    assert "resource: tcp://10.0.0.7:502" in text and bench.said
    file = tmp_path / "station.yaml"
    file.write_text(f"labctl: station/1\nname: bench\n{text}", encoding="utf-8")
    loaded = load_station(file)
    assert loaded.instruments[0].driver == "neware-bts"


def test_a_chamber_has_lines_of_its_own(view: Any) -> None:
    wizard = open_wizard(view)
    wizard.kind.part("modbus-chamber").setFocus()
    press("Space")
    assert "chambers:" in wizard.lines.toPlainText() and "modbus-chamber" in wizard.lines.toPlainText()


def test_an_instrument_of_the_station_is_asked_who_it_is(view: Any, bench: ViewBench) -> None:
    tell(bench.lab, box("neware", 16))
    bench.asks.answers["instruments.ping"] = "BTS Client 8.0, 16 channels"
    wizard = open_wizard(view)
    assert wizard.known_card.isVisible() and wizard.known_model.rows[0][2].text == "16"
    tab_to(wizard.known)
    press("Down")
    press("Return")
    assert wizard.known_model.rows[0][3].text == "BTS Client 8.0, 16 channels"
    bench.asks.answers["instruments.ping"] = Trouble("Not done", "no answer in 5 s")
    press("Return")
    assert "no answer" in wizard.known_model.rows[0][3].text and wizard.known_model.rows[0][3].tone == "hard"


def test_back_leads_to_the_three_ways(view: Any) -> None:
    wizard = open_wizard(view)
    tab_to(wizard.back)
    press("Space")
    assert view.stack.currentIndex() == 0 and QApplication.focusWidget() is view.neware.button


def proposed(view: Any) -> Any:
    """Open the wizard on an address that answers; returns it with the lines for the station file."""
    view.context.lab.me = Me("chen", Role.CONFIGURE)
    wizard = open_wizard(view)
    type_text("10.0.0.7")
    view.finder._work = lambda function, then, failed: then("")
    press("Return")
    return wizard


def test_an_unknown_address_is_asked_by_the_station_and_added_with_the_lines_as_corrected(
    view: Any, bench: ViewBench
) -> None:
    wizard = proposed(view)
    wizard.lines.setPlainText(wizard.lines.toPlainText().replace("devid: 33", "devid: 34"))
    bench.asks.answers["instruments.ask_new"] = TriedDevice(
        "neware",
        "tcp://10.0.0.7:502",
        "Neware BTS, devid 34, 16 channels",
        tuple(f"1-{n}" for n in range(1, 17)),
    )
    tab_to(wizard.ask)
    press("Space")
    assert "devid 34, 16 channels" in wizard.answer.text() and "1-8 …" in wizard.answer.text()
    view.first._tell()
    assert "devid: 34" in wizard.lines.toPlainText(), "news of the lab do not take a correction away"
    bench.asks.answers["instruments.add"] = "neware is in station.yaml. Start the station anew."
    tab_to(wizard.add)
    press("Space")
    (sent,) = bench.asks.of("instruments.add")
    assert "devid: 34" in sent.args[0] and "resource: tcp://10.0.0.7:502" in sent.args[0]
    assert "Start the station anew" in wizard.answer.text() and wizard.answer.property("tone") == "text"
    assert not set(bench.asks.verbs) & set(ENERGISING)


def test_what_the_station_refuses_to_add_is_told_with_its_reason(view: Any, bench: ViewBench) -> None:
    wizard = proposed(view)
    bench.asks.answers["instruments.add"] = Trouble("Not done", "neware has that address already")
    tab_to(wizard.add)
    press("Space")
    assert "has that address already" in wizard.answer.text() and wizard.answer.property("tone") == "hard"


def test_who_may_not_configure_is_told_so_and_nothing_can_be_asked(view: Any, bench: ViewBench) -> None:
    wizard = proposed(view)
    bench.lab.me = Me("wang", Role.OPERATE)
    wizard._say_acts()
    assert "role" in why(wizard.ask) and "role" in why(wizard.add)
    bench.lab.me = Me("chen", Role.CONFIGURE)
    wizard._say_acts()
    assert why(wizard.add) == ""
    wizard.lines.setPlainText("")
    assert "test an address first" in why(wizard.add)
