"""Neware BTS 8.0 over its TCP API: driver, step files, converter. How sure we are of what: SOURCES.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.interfaces.cycler import Cycler
    from labctl.transport.base import Transport


def create(
    name: str, resource: str, options: Mapping[str, object], clock: Clock, connect: Callable[[str], Transport]
) -> Cycler:
    """Make a driver; it talks only after ``open``. Raises: UserInputError for options that cannot be."""
    from labctl_drivers.neware.driver import NewareCycler
    from labctl_drivers.neware.options import options_from

    return NewareCycler(name, resource, options_from(name, options), clock, connect)
