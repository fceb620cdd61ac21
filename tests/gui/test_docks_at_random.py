"""Views put anywhere at random: whatever a person does to the arrangement, each view stays alive.

QtAds keeps views in windows of its own and deletes those windows by itself; a view that is still in one dies with it,
and the next touch crashes the whole window. Seeds 1 and 2 did so within 300 steps before views were brought home.
"""

from random import Random
from typing import Any

import pytest

ads = pytest.importorskip("PySide6QtAds")

from PySide6.QtCore import QCoreApplication, QEvent  # noqa: E402
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QTableWidget, QVBoxLayout, QWidget  # noqa: E402
from shiboken6 import isValid  # noqa: E402

VIEWS = [f"view{number}" for number in range(12)]
STEPS = 300


def page() -> QWidget:
    """A view with the kinds of widgets that keep something of their own: fields and a table."""
    widget = QWidget()
    lines = QVBoxLayout(widget)
    for child in (QLabel("a word"), QLineEdit("1 mA"), QTableWidget(20, 4)):
        lines.addWidget(child)
    return widget


@pytest.mark.parametrize("seed", [1, 2])
def test_views_stay_alive_wherever_they_are_put_and_whenever_windows_are_closed(
    seed: int, qtbot: Any
) -> None:
    from labctl.gui.parts.docks import Docks

    rng = Random(seed)
    docks = Docks()
    qtbot.addWidget(docks)
    for view_id in VIEWS:
        docks.add(view_id, view_id, page)
    docks.resize(1200, 800)
    docks.show()
    docks.reset(VIEWS[0])
    kept = [docks.save()]

    def torn_off() -> list[QWidget]:
        return [top for top in QApplication.topLevelWidgets() if isinstance(top, ads.CFloatingDockContainer)]

    acts = {
        "beside": lambda view_id: docks.open_beside(view_id),
        "window": lambda view_id: docks.open_window(view_id),
        "close window": lambda view_id: [top.close() for top in torn_off()[:1]],
        "close another window": lambda view_id: [top.close() for top in torn_off()[-1:]],
        "close": lambda view_id: docks.close_view(view_id),
        "keep": lambda view_id: kept.append(docks.save()) if len(kept) < 4 else None,
        "restore": lambda view_id: docks.restore(*rng.choice(kept)),
        "reset": lambda view_id: docks.reset(VIEWS[0]),
        "open": lambda view_id: docks.open(view_id),
    }
    done: list[tuple[str, str]] = []
    for _ in range(STEPS):
        name, view_id = rng.choice(list(acts)), rng.choice(VIEWS)
        done.append((name, view_id))
        acts[name](view_id)
        for _turn in range(rng.randrange(3)):
            QCoreApplication.processEvents()
        if rng.random() < 0.3:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        dead = [view_id for view_id in VIEWS if not isValid(docks._docks[view_id])]
        assert not dead, f"{dead} died after {len(done)} acts, the last of them {done[-6:]}"
