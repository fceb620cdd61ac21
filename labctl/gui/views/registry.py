"""Which views there are: every folder beside this file that says ``VIEW = ViewSpec(...)``."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

from labctl.gui import views
from labctl.gui.parts.view import ViewSpec


def find_views() -> tuple[ViewSpec, ...]:
    """Return the views in the order of the rail. Raises: ValueError for two with one id or one key."""
    found = []
    for module in pkgutil.iter_modules(views.__path__):
        if module.ispkg:
            spec = importlib.import_module(f"{views.__name__}.{module.name}").VIEW
            if not isinstance(spec, ViewSpec):
                raise ValueError(f"VIEW of {module.name} is no ViewSpec")
            found.append(spec)
    check(found)
    return tuple(sorted(found, key=lambda spec: spec.order))


def check(found: list[ViewSpec]) -> None:
    """Raise ValueError for two views with one id or one key."""
    ids = Counter(spec.id for spec in found)
    keys = Counter(spec.key for spec in found if spec.key is not None)
    double = [f"id {name}" for name, count in ids.items() if count > 1]
    double += [f"key {key}" for key, count in keys.items() if count > 1]
    if double:
        raise ValueError(f"two views have the same {', '.join(double)}")
