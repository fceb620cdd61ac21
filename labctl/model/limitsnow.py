"""The limits of a channel as they bind now: each quantity with the tightest value, whose it is, and what it reads.

Layers (safety-and-faults, section 4): L1 device, L2 channel, L3 class of cells and cell, L4 protocol, L5 step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.model.ids import ChannelId, RunId

NAN = float("nan")


class Layer(StrEnum):
    """Where a limit comes from."""

    DEVICE = "L1"
    CHANNEL = "L2"
    CELL = "L3"
    PROTOCOL = "L4"
    STEP = "L5"


@dataclass(frozen=True, slots=True)
class LayerLimit:
    """What one layer says of a quantity. ``loosened_by`` names the person whose override stands in its place."""

    layer: Layer
    name: str
    limit: float
    loosened_by: str = ""


@dataclass(frozen=True, slots=True)
class LimitNow:
    """One quantity. ``quantity`` is the name of the limit with its unit, for example ``voltage_max_V``.

    ``limit`` is what trips, ``warn`` what only tells (NaN without); ``now`` is the newest value, NaN where nobody reads
    it. ``is_lower``: the value must stay above.
    """

    quantity: str
    unit: str
    limit: float
    layer: Layer
    layers: tuple[LayerLimit, ...]
    warn: float = NAN
    now: float = NAN
    is_lower: bool = False


@dataclass(frozen=True, slots=True)
class LimitsNow:
    """All limits of a channel. Without a run they are those that a start would meet, and nothing checks them yet."""

    channel: ChannelId
    run_id: RunId | None
    step_number: int
    limits: tuple[LimitNow, ...]
