"""Temperature chambers on Modbus/TCP and RTU, by a register map that a lab can edit. Sources: SOURCES.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.interfaces.chamber import TemperatureChamber
    from labctl.transport.base import Transport


def create(
    name: str, resource: str, options: Mapping[str, object], clock: Clock, connect: Callable[[str], Transport]
) -> TemperatureChamber:
    """Make a driver; it talks only after ``open``. Raises: UserInputError, UserFileError for a map."""
    from labctl_drivers.chamber.driver import ModbusChamber
    from labctl_drivers.chamber.options import options_from
    from labctl_drivers.chamber.table import load_table

    chosen = options_from(name, resource, options)
    return ModbusChamber(name, resource, chosen, load_table(chosen.table), clock, connect)
