"""The driver's options in the station file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from labctl.errors import UserInputError
from labctl_drivers.multiplexer.codec import PLACES_MAX

REPLY_TIMEOUT_S = 2.0
"""Link seconds; a relay box answers a read-back within some milliseconds."""

PLACES = 8
KNOWN = ("places", "reply_timeout_s", "poll_s")


@dataclass(frozen=True, slots=True)
class MultiplexerOptions:
    """How to talk to one box, and how many cells it holds."""

    places: int = PLACES
    reply_timeout_s: float = REPLY_TIMEOUT_S


def options_from(name: str, options: Mapping[str, object]) -> MultiplexerOptions:
    """Check the options of multiplexer ``name``. Raises UserInputError naming the option and what is right."""
    for key in options:
        if key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, 1)
            hint = f"did you mean {near[0]}?" if near else f"known options are {', '.join(KNOWN)}."
            raise UserInputError(f"multiplexer {name}: unknown option {key!r}; {hint}")
    places = options.get("places", PLACES)
    if not isinstance(places, int) or isinstance(places, bool) or not 1 <= places <= PLACES_MAX:
        raise UserInputError(
            f"multiplexer {name}: places must be a whole number 1 to {PLACES_MAX}, not {places!r}."
        )
    timeout_s = options.get("reply_timeout_s", REPLY_TIMEOUT_S)
    if not isinstance(timeout_s, int | float) or isinstance(timeout_s, bool) or not 0 < timeout_s <= 60:
        raise UserInputError(
            f"multiplexer {name}: reply_timeout_s must be above 0 and at most 60, not {timeout_s!r}."
        )
    return MultiplexerOptions(places, float(timeout_s))


def with_usual_baud(resource: str) -> str:
    """Add 9600 baud to a serial resource that names none."""
    if not resource.startswith("serial:") or "baud=" in resource:
        return resource
    return resource + ("&" if "?" in resource else "?") + "baud=9600"
