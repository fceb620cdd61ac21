"""U07 and U10 in the whole window on cells that ran on the virtual bench: compared, in whose units, on paper."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from pypdf import PdfReader
from PySide6.QtCore import Qt

from labctl.clock import link_now_s, link_pause
from labctl.gui.session import Session
from labctl.gui.viewmodels.comparing import Per
from labctl.gui.viewmodels.panels import Kind, Panel
from labctl.gui.viewmodels.plotchoice import Tab
from labctl.gui.viewmodels.reports import Template
from labctl.gui.views.compare.picker import PickDialog
from labctl.model.cell import CellKind
from labctl.model.job import OPEN_STATES, JobSpec
from labctl.testing.guistory import Person, at_the_window
from labctl.testing.stationrun import StationRun, connected, end, running_station, serve

if TYPE_CHECKING:
    from labctl.gui.views.compare.page import CompareView

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
CYCLES = 4
ENDS_WITHIN_S = 300.0
MASS_MG = 12.41
PAIR = "C010"
"""What the names of the two cells that have run begin with, and those of others that run do not."""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    """A station on which a pristine and a coated cell have run; the first alone has an active mass."""
    with running_station(tmp_path_factory.mktemp("figures")) as found:
        client = found.client
        known = {cell.cell_id: cell for cell in client.cells.list()}
        loaded = [one for one in client.channels.list() if one.cell_id]
        pair = [s for s in loaded if known[s.cell_id].kind is CellKind.SYMMETRIC][:2]  # type: ignore[index]
        first = known[pair[0].cell_id]  # type: ignore[index]
        client.cells.change(replace(first, active_mass_mg=MASS_MG), reason="weighed")
        settings = {"cycles": str(CYCLES), "opening_rest": "10 min"}
        client.queue.submit([
            JobSpec(cell_id=one.cell_id, protocol="p1-li-li-1mA", channels=(one.channel,), variables=settings)  # type: ignore[arg-type]
            for one in pair
        ])  # fmt: skip
        until_s = link_now_s() + ENDS_WITHIN_S
        while any(job.state in OPEN_STATES for job in client.queue.list()):
            assert link_now_s() < until_s, client.queue.list()
            link_pause(0.2)
        yield found


def mark_all(person: Person, button: Any) -> Any:
    """Mark the runs of the pair in the dialog, by keys; returns it."""
    person.push(button)
    dialog = person.dialog(PickDialog)
    person.write(PAIR)
    person.wait(lambda: [row.cycles for row in dialog.model.rows] == [CYCLES, CYCLES])
    person.tab_to(dialog.table)
    person.press("Ctrl+A")
    person.press("Space")
    return dialog


def add_all(person: Person, button: Any) -> None:
    """Add the runs of the pair, by keys."""
    dialog = mark_all(person, button)
    person.press("Return")
    person.wait(lambda: not dialog.isVisible())
    person.activate()


def compared(person: Person) -> CompareView:
    """Compare the runs of the station; returns the view with its curves drawn."""
    person.press("Ctrl+3")
    view: CompareView = person.in_front("compare")
    add_all(person, view.empty_add)
    person.wait(lambda: is_drawn(view))
    return view


def is_drawn(view: CompareView) -> bool:
    """Tell whether the cycles of both cells are there and their curves drawn."""
    return (
        view.compare.last_cycle == CYCLES
        and not view.compare.waiting
        and len(view.board.overlays) == 2
        and all(len(one.panel.series) >= 4 for one in view.board.overlays if one.panel)
    )


def panels(view: CompareView) -> list[Panel]:
    """Return what the cards draw."""
    return [one.panel for one in view.board.cards if one.panel]


def prefer(person: Person, field: str, unit: str) -> None:
    """Choose a unit in the settings, by keys."""
    person.press("Ctrl+,")
    view = person.in_front("settings")
    person.choose(view.look.units[field], unit)


def divide(person: Person, view: CompareView, per: Per) -> None:
    """Choose what charges are divided by, by keys."""
    person.choose(view.per, per.value)
    person.wait(lambda: view.compare.per is per and not view._soon.isActive())


def test_u07_pristine_and_coated_are_overlaid_and_their_units_switched_without_a_reload(
    station: StationRun, session: Session, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_the_window(station, session, qtbot) as person:
        view = compared(person)
        assert person.window.desk is not None
        bridge, asked = person.window.desk.bridge, list[str]()
        ask = bridge.ask
        monkeypatch.setattr(
            bridge, "ask", lambda verb, *args, **words: (asked.append(verb), ask(verb, *args, **words))
        )
        lines = view.compare.lines()
        assert [line.group for line in lines] == ["pristine", "Zn-coated"]
        assert len({line.colour for line in lines}) == 2
        profile = view.board.cards[0]
        person.wait(lambda: profile.bounds() is not None and profile.bounds().y_max > 0.02)  # type: ignore[union-attr]
        person.wait(lambda: [[len(one.x) for one in panel.series] for panel in panels(view)
                             if panel.card.kind is Kind.POLARISATION] == [[CYCLES] * 2])  # fmt: skip
        assert profile.panel is not None and profile.panel.card.kind is Kind.PROFILE and not profile.panel.why
        (over,) = [one for one in panels(view) if one.card.kind is Kind.POLARISATION]
        assert over.y.unit == "mV"
        assert all(float(one.y.max()) > 5.0 for one in over.series)

        def sweep() -> tuple[str, float]:
            panel = view.board.overlays[0].panel
            assert panel is not None and panel.series
            return panel.x.unit, max(float(np.max(one.x)) for one in panel.series)

        person.wait(lambda: not any(view.compare.trace(line.run_id).waiting for line in lines))
        asked.clear()
        (unit, most) = sweep()
        assert unit == "mAh"
        divide(person, view, Per.AREA)
        person.wait(lambda: sweep()[0] == "mAh cm⁻²")
        area_cm2 = station.client.cells.get(view.compare.members[0].cell_id).effective_area_cm2
        assert area_cm2 and sweep()[1] == pytest.approx(most / area_cm2)
        divide(person, view, Per.GRAM)
        person.wait(lambda: sweep()[0] == "mAh g⁻¹")
        assert sweep()[1] == pytest.approx(most / MASS_MG * 1e3)
        person.wait(lambda: lines[1].title in view.bar.note and "Without mass or area" in view.bar.note)
        person.press("Ctrl+Z")
        person.wait(lambda: view.compare.per is Per.AREA)
        assert not [verb for verb in asked if verb.startswith("runs.")], (
            "other units are other factors, no reload"
        )


def test_u07_the_units_of_the_settings_stand_on_axes_in_tables_and_at_cursors_of_every_view(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        view = compared(person)
        divide(person, view, Per.AREA)
        before = view.board.overlays[0].panel
        assert before is not None and before.x.unit == "mAh cm⁻²"
        prefer(person, "charge_per_area", "µAh/cm²")
        prefer(person, "current", "nA")
        person.press("Ctrl+3")
        person.in_front("compare")
        person.wait(lambda: view.board.overlays[0].panel is not None
                    and view.board.overlays[0].panel.x.unit == "µAh cm⁻²")  # fmt: skip
        card = view.board.overlays[0]
        person.wait(lambda: "µAh cm⁻²" in card.frame.sheet.x_field.title())
        assert card.panel is not None
        assert float(card.panel.series[0].x[-1]) == pytest.approx(1e3 * float(before.series[0].x[-1]))
        assert view.per.part(Per.AREA.value).accessibleName() == "µAh/cm²"
        card.frame.setFocus(Qt.FocusReason.TabFocusReason)
        person.press("C")
        person.wait(lambda: card.frame.cursors.visible and "µAh cm⁻²" in card.frame.sheet.note)
        person.choose(view.pages, "figures")
        person.wait(lambda: view.figures.rows)
        heads = [
            view.figures.headerData(at, Qt.Orientation.Horizontal) for at in range(view.figures.columnCount())
        ]
        assert "Q first / µAh cm⁻²" in heads

        person.press("Ctrl+1")
        grid = person.in_front("station")
        table = grid.table.model()

        def heads_of_table() -> list[str]:
            return [str(table.headerData(at, Qt.Orientation.Horizontal)) for at in range(table.columnCount())]

        person.wait(lambda: "current nA" in heads_of_table())
        titles = heads_of_table()
        assert not any("mA" in title.split() for title in titles)
        (channel,) = person.start(person.idle()[-1]) and [name for name in person.lab.channels
                                                         if person.lab.channels[name].state == "running"]  # fmt: skip
        person.window.go("channel", channel)
        detail = person.in_front("channel")
        person.choose(detail.plots.tabs, Tab.CURRENT.value)
        person.wait(lambda: detail.plots.time.main.sheet.y_field.unit == "nA")
        person.wait(lambda: "nA" in detail.readouts.parts["current"].accessibleName())
        prefer(person, "current", "")
        person.press("Ctrl+2")
        person.wait(lambda: detail.plots.time.main.sheet.y_field.unit == "µA")
        person.wait(lambda: "µA" in detail.readouts.parts["current"].accessibleName())


def test_u10_a_figure_of_cells_that_ran_is_a_vector_of_its_size_with_its_fonts_and_its_data(
    station: StationRun, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    with at_the_window(station, session, qtbot) as person:
        person.press("Ctrl+9")
        view = person.in_front("reports")
        add_all(person, view.empty_add)
        person.choose(view.template, Template.LILI.value)
        person.wait(lambda: view.drawn is not None and len(view.drawn[0]) == 2)
        traces = [view.report.compare.trace(line.run_id) for line in view.report.compare.lines()]
        person.wait(lambda: not any(trace.waiting for trace in traces) and not view._slow.isActive())

        view.choose_file = lambda name: str(tmp_path / "no" / name)
        person.push(view.saves["pdf"])
        person.wait(lambda: "not saved" in person.trouble)
        assert not list(tmp_path.rglob("lili.*")), "the refused path: no such folder"
        person.press("Escape")

        view.choose_file = lambda name: str(tmp_path / name)
        for width in ("85", "170"):
            person.choose(view.form.width_mm, width)
            person.wait(lambda width=width: view.report.style.width_mm == float(width))
            person.press("Ctrl+E")
            person.push(view.saves["pdf"])
            look_at_svg(tmp_path / "lili.svg", float(width))
            look_at_pdf(tmp_path / "lili.pdf", float(width))
        runs = [line.run_id for line in view.report.compare.lines()]
        assert all(run_id in "".join(words_of(tmp_path / "lili.svg")) for run_id in runs), (
            "provenance names the runs"
        )
        head, *rows = csv.reader((tmp_path / "lili.csv").read_text(encoding="utf-8").splitlines())
        assert len(rows) > 50 and any("voltage / V" in name for name in head)


def test_u07_refused_a_station_that_does_not_answer_is_told_in_plot_and_dialog_and_asked_again_by_itself(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        person.press("Ctrl+3")
        view = person.in_front("compare")
        dialog = mark_all(person, view.empty_add)
        station.process.kill()
        station.process.wait()
        person.wait(lambda: not person.lab.link.live)
        person.press("Return")
        person.wait(lambda: not dialog.isVisible())
        person.activate()
        person.push(view.side.add)
        dialog = person.dialog(PickDialog)
        person.wait(
            lambda: "the station does not answer" in dialog.note.text() and not dialog.add.isEnabled()
        )
        person.press("Escape")
        person.activate()
        person.wait(lambda: len(view.compare.troubles) == 2)
        person.wait(lambda: {card.empty.text() for card in view.board.cards if card.empty.isVisible()}
                    == {"the station does not answer"})  # fmt: skip

        again = serve(station.station_file, station.data)
        try:
            connected(again, station.data).close()
            person.wait(lambda: is_drawn(view) and not view.compare.troubles)
        finally:
            end(again)


def words_of(path: Path) -> list[str]:
    return ["".join(one.itertext()).strip() for one in fromstring(path.read_bytes()).iter(f"{SVG}text")]


def look_at_svg(path: Path, width_mm: float) -> None:
    """See that it is a vector of that width, with axes and units."""
    tree = fromstring(path.read_bytes())
    assert float(str(tree.get("width")).removesuffix("mm")) == width_mm
    assert b"<image" not in path.read_bytes() and b"@font-face" in path.read_bytes()
    assert sum(len(re.findall(r"[ML]", one.get("d", ""))) for one in tree.iter(f"{SVG}path")) > 100
    assert {"voltage / V", "overpotential / mV"} <= set(words_of(path))


def look_at_pdf(path: Path, width_mm: float) -> None:
    """See that it is one page of that width, without pictures, its fonts inside."""
    (page,) = PdfReader(path).pages
    assert float(page.mediabox.width) / 72 * 25.4 == pytest.approx(width_mm, abs=0.2)
    assert list(page.images) == []
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    inner = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    assert inner and all({"/FontFile2", "/FontFile3"} & set(one.get_object()) for one in inner)
