"""VersaSTAT 3/4 and PARSTAT 3000/4000 through labctl's bridge to the vendor's kit (VDK). Sources: SOURCES.md."""

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
    from labctl_drivers.versastat_vdk.driver import VdkPotentiostat
    from labctl_drivers.versastat_vdk.options import options_from

    return VdkPotentiostat(name, resource, options_from(name, options), clock, connect)
