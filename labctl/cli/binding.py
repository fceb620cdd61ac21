"""Bind a protocol to a cell and a channel of a station file, talking to no instrument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labctl.errors import InstrumentError, UserInputError

if TYPE_CHECKING:
    from labctl.config.station import StationFile
    from labctl.model.cell import Cell
    from labctl.model.ids import ChannelId
    from labctl.model.program import Program
    from labctl.model.protocol import Protocol


def bind_offline(
    station: StationFile,
    protocol: Protocol,
    cell: Cell,
    channel: ChannelId,
    variables: Mapping[str, str] | None = None,
) -> Program:
    """Return the program with the channel's ranges and limits. Raises: ProgramError, UserInputError."""
    from labctl.clock import Clock, ClockSpec, run_with_clock
    from labctl.engine.station import (
        capabilities_of,
        channel_limits,
        has_chamber,
        override_of,
        potentiostats_for,
    )
    from labctl.protocol.bind import bind

    async def main(clock: Clock) -> Program:
        try:
            capabilities = capabilities_of(station, channel, clock)
        except InstrumentError as error:
            raise UserInputError(
                f"channel {channel} is not known: {error}. Is the channel right? 'labctl doctor' reads what there is."
            ) from error
        return bind(
            protocol,
            cell,
            channel,
            capabilities,
            variables=variables,
            channel_limits=channel_limits(station, channel),
            has_chamber=has_chamber(station, channel),
            classes=station.classes,
            override=override_of(station, channel, clock),
            potentiostats=potentiostats_for(station, channel),
        )

    return run_with_clock(ClockSpec(), main)
