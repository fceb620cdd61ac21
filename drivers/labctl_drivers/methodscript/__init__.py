"""PalmSens potentiostats that speak MethodSCRIPT: EmStat Pico, Sensit, EmStat4, Nexus. Sources: SOURCES.md."""

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
    from labctl_drivers.methodscript.driver import MethodScriptPotentiostat
    from labctl_drivers.methodscript.options import options_from

    return MethodScriptPotentiostat(name, resource, options_from(name, options), clock, connect)
