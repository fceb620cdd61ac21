"""PARSTAT 2263/2273 by the files of Electrochemistry PowerSuite: plan sheet out, export in, a person between."""

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
    """Make a driver on a folder; there is no link to connect. Raises: UserInputError."""
    from labctl_drivers.powersuite_files.driver import PowerSuitePotentiostat
    from labctl_drivers.powersuite_files.options import folder_of, options_from

    return PowerSuitePotentiostat(name, folder_of(name, resource), options_from(name, options), clock)
