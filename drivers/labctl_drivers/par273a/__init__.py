"""EG&G PAR 273/273A with an external lock-in amplifier or FRA, over GPIB or RS-232. Sources: SOURCES.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.interfaces.potentiostat import Potentiostat
    from labctl.transport.base import Transport


def create(
    name: str, resource: str, options: Mapping[str, object], clock: Clock, connect: Callable[[str], Transport]
) -> Potentiostat:
    """Make a driver; it talks only after ``open``. Raises: UserInputError."""
    from labctl_drivers.par273a.driver import Par273APotentiostat
    from labctl_drivers.par273a.options import options_from

    return Par273APotentiostat(name, resource, options_from(name, resource, options), clock, connect)
