"""Load behind the window's back what its views need, so that opening one finds its code loaded.

In the thread that else decimates: an import there takes none of the window's time, and a view that is opened
meanwhile waits for the rest of what it needs.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labctl.gui.qt_bridge import Bridge

FIRST = ("pyarrow", "pandas", "pyqtgraph")
"""Large ones that views and view-models import late."""
LAST = ("fontTools.subset", "fontTools.ttLib.tables.otTables")
"""What the first copy of a plot as a vector picture needs."""
PACKAGES = ("labctl.gui.viewmodels", "labctl.gui.plots", "labctl.gui.parts", "labctl.gui.views")


def load_behind(bridge: Bridge) -> None:
    """Begin to load. What cannot be loaded is told by the view that needs it."""
    for name in FIRST:
        bridge.work(partial(importlib.import_module, name), _forget)
    bridge.work(modules, lambda found: _load(bridge, found))


def _load(bridge: Bridge, names: list[str]) -> None:
    for name in names:  # one after the other: an answer for a plot waits for one of them, never for all
        bridge.work(partial(importlib.import_module, name), _forget)


def _forget(loaded: object) -> None:
    """Need nothing of what was loaded: it is there."""


def modules() -> list[str]:
    """Return what is loaded: the modules of the window's packages, and what they need late."""
    found = []
    for package in PACKAGES:
        place = importlib.import_module(package)
        found += [module.name for module in pkgutil.walk_packages(place.__path__, f"{package}.")]
    return [*found, *LAST]
