"""Relay multiplexers that speak plain SCPI switch words. Sources: SOURCES.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.interfaces.switch import CellSwitch
    from labctl.transport.base import Transport


def create(
    name: str, resource: str, options: Mapping[str, object], clock: Clock, connect: Callable[[str], Transport]
) -> CellSwitch:
    """Make a driver; it talks only after ``open``. Raises: UserInputError."""
    from labctl_drivers.multiplexer.driver import ScpiMultiplexer
    from labctl_drivers.multiplexer.options import options_from

    return ScpiMultiplexer(name, resource, options_from(name, options), clock, connect)
