"""U01 and U12 on 128 channels in the whole window: who needs me, what is wrong, what do I do (docs/gui-stories.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.theme.tokens import ThemeName
from labctl.testing.guistory import at_the_window, large_bench
from labctl.testing.stationrun import running_station

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
OPEN, PROTECTED, FROZEN = "neware-1:1-1", "neware-1:6-1", "neware-2:2-1"
RUNNING = [f"neware-{n}:{unit}-1" for n in (1, 2) for unit in range(1, 9)]
SATURATED = 0.5


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    folder = tmp_path_factory.mktemp("hundred")
    with running_station(folder, "--bench", str(large_bench(folder))) as found:
        yield found


def saturated(image: QImage) -> float:
    """Return the share of pixels that are strongly coloured, 0 to 1."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3]
    high, low = pixels.max(axis=2).astype(float), pixels.min(axis=2).astype(float)
    return float(np.mean((high - low) / np.maximum(high, 1.0) > SATURATED))


def needs(view: Any) -> set[str]:
    return {need.channel for need in view.grid.needs()}


def test_u01_three_abnormal_of_128_are_named_and_nothing_normal_is_coloured(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        view = person.in_front("station")
        person.wait(lambda: len(view.grid.order) == 128 and view.strip.calm.isVisible())
        person.start(*RUNNING)
        for slot, kind in ((OPEN, "open_contact"), (PROTECTED, "protect"), (FROZEN, "freeze")):
            station.bench.admin("fault", instrument=slot.partition(":")[0], slot=slot, kind=kind)
        person.wait(lambda: needs(view) == {OPEN, PROTECTED, FROZEN})
        person.wait(lambda: sum(button.isVisible() for button in view.strip.needs) == 3)
        told = [button.accessibleName() for button in view.strip.needs]
        assert {text.split(" ")[1] for text in told} == {
            view.grid.cabinet.label(name) for name in needs(view)
        }
        assert not view.strip.more.isVisible()
        person.wait(lambda: view.first.show_part.part("abnormal").accessibleName() == "Abnormal 3")
        for name in ThemeName:
            theme().put_on(name, 1.0)
            QApplication.processEvents()
            whole = view.tiles.viewport().grab().toImage()
            shares = {one: saturated(whole.copy(view.tiles.box_of(one))) for one in view.grid.order}
            normal = {one: share for one, share in shares.items() if one not in needs(view)}
            seen = [one for one in normal if view.tiles.viewport().rect().contains(view.tiles.box_of(one))]
            assert len(seen) > 40 and max(normal.values()) < 0.02, (name, max(normal.values()))
            assert min(share for one, share in shares.items() if one in needs(view)
                       and view.tiles.viewport().rect().contains(view.tiles.box_of(one))) > 0.02  # fmt: skip


def test_u12_an_alarm_says_station_channel_cell_what_since_what_to_do_and_who_has_seen_it(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        key = f"verify.failed:{FROZEN}"
        person.wait(lambda: key in person.lab.alarms)
        alarm = person.lab.alarms[key]
        person.press("Ctrl+8")
        view = person.in_front("alarms")
        person.wait(lambda: view.model.place_of(key) >= 0)
        row = view.model.row_at(view.model.place_of(key))
        assert row.cell == alarm.cell and "2-1" in row.where and row.what and row.what_to_do and row.age
        view.open_on(key)
        view.moment.turn_to("message")
        message = view.moment.message.toPlainText()
        since = alarm.since_utc[:10]
        assert person.lab.station is not None
        for word in (person.lab.station.name, FROZEN, str(alarm.cell), alarm.what_to_do, since):
            assert word and word in message, (word, message)
        view.table.setFocus()
        person.press("A")
        # What is over by itself leaves the list once it is seen; who has seen it stays in the events below.
        person.wait(lambda: key not in person.lab.alarms)
        person.wait(lambda: [row.by for row in view.events.rows() if row.what.endswith(key)] == ["chen"])
        assert not person.trouble


def test_u12_refused_an_alarm_that_somebody_else_has_just_acknowledged_keeps_their_name(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person, person.another("wang") as wang:
        person.press("Ctrl+8")
        view = person.in_front("alarms")
        key = f"verify.failed:{OPEN}"
        person.wait(lambda: key in person.lab.alarms)
        person.wait(lambda: view.model.place_of(key) >= 0)
        view.open_on(key)
        view.table.setFocus()
        (version,) = [alarm.version for alarm in wang.alarms.list() if alarm.key == key]
        wang.alarms.acknowledge(
            key, version=version
        )  # the window has not heard of it when the key is pressed
        person.press("A")
        person.wait(lambda: person.trouble)
        assert "wang" in person.trouble
        person.wait(lambda: any(row.by == "wang" for row in view.events.rows() if row.kind == "act"))
