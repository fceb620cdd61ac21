"""The driver's options in the station file."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from labctl.errors import UserInputError

REPLY_TIMEOUT_S = 5.0
"""Link seconds until a call must be answered; none of those that the driver uses waits for the cell."""

LEASE_S = 20.0
"""Link seconds after which the bridge switches off, unless the lease has been renewed."""

LEASE_MIN_S, LEASE_MAX_S = 3.0, 600.0
PORT = 5678
PATH = "/VersaStatServer.rem"
"""As the public bridge has them (2.2.3)."""

LIMITS = (
    "eis_min_Hz", "eis_max_Hz", "amplitude_max_V", "current_max_A", "potential_max_V",
)  # fmt: skip
NUMBERS = (*LIMITS, "reply_timeout_s", "lease_s")
BANDWIDTHS = ("AUTO", "HIGH STABILITY", "1MHZ", "100KHZ", "10KHZ", "1KHZ")
KNOWN = (
    *NUMBERS,
    "token_file",
    "serial_number",
    "client",
    "on_overload",
    "data_quality",
    "bandwidth",
    "poll_s",
)


@dataclass(frozen=True, slots=True)
class VdkOptions:
    """How to talk to one bridge.

    ``limits`` replace those of the model; ``serial_number`` picks one of several instruments (0: the first);
    ``client`` is who holds the bridge, made up anew by each driver where it is empty.
    """

    limits: Mapping[str, float] = field(default_factory=dict)
    token_file: Path | None = None
    serial_number: int = 0
    client: str = ""
    on_overload: Literal["flag", "stop"] = "flag"
    data_quality: int = 1
    bandwidth: str = "AUTO"
    reply_timeout_s: float = REPLY_TIMEOUT_S
    lease_s: float = LEASE_S


def options_from(name: str, options: Mapping[str, object]) -> VdkOptions:
    """Check the options of potentiostat ``name``. Raises UserInputError naming the option and what is right."""
    for key in options:
        if key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, 1)
            hint = f"did you mean {near[0]}?" if near else f"known options are {', '.join(KNOWN)}."
            raise UserInputError(f"potentiostat {name}: unknown option {key!r}; {hint}")
    token_file = _text(name, options, "token_file")
    on_overload = _text(name, options, "on_overload") or "flag"
    bandwidth = (_text(name, options, "bandwidth") or "AUTO").upper()
    quality, serial_number = (
        _whole(name, options, "data_quality", 1),
        _whole(name, options, "serial_number", 0),
    )
    chosen = VdkOptions(
        limits={key: _number(name, options, key, math.nan) for key in LIMITS if key in options},
        token_file=Path(token_file).expanduser() if token_file else None,
        serial_number=serial_number,
        client=_text(name, options, "client"),
        on_overload=cast(Literal["flag", "stop"], on_overload),
        data_quality=quality,
        bandwidth=bandwidth,
        reply_timeout_s=_number(name, options, "reply_timeout_s", REPLY_TIMEOUT_S),
        lease_s=_number(name, options, "lease_s", LEASE_S),
    )
    if on_overload not in ("flag", "stop"):
        raise UserInputError(f"potentiostat {name}: on_overload must be flag or stop, not {on_overload!r}.")
    if bandwidth not in BANDWIDTHS:
        known = ", ".join(BANDWIDTHS)
        raise UserInputError(f"potentiostat {name}: bandwidth must be one of {known}, not {bandwidth!r}.")
    if not 0 <= quality <= 10:
        raise UserInputError(f"potentiostat {name}: data_quality must be 0 to 10, not {quality}.")
    if not max(LEASE_MIN_S, chosen.reply_timeout_s) < chosen.lease_s <= LEASE_MAX_S:
        raise UserInputError(
            f"potentiostat {name}: lease_s must be longer than reply_timeout_s ({chosen.reply_timeout_s:g} s) and than "
            f"{LEASE_MIN_S:g} s, and at most {LEASE_MAX_S:g} s, not {chosen.lease_s:g}."
        )
    return chosen


def _number(name: str, options: Mapping[str, object], key: str, default: float) -> float:
    value = options.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not (0 < value < math.inf):
        raise UserInputError(f"potentiostat {name}: {key} must be a number above 0, not {value!r}.")
    return float(value)


def _whole(name: str, options: Mapping[str, object], key: str, default: int) -> int:
    value = _number(name, options, key, math.nan) if options.get(key) else float(default)
    if not value.is_integer():
        raise UserInputError(f"potentiostat {name}: {key} must be a whole number, not {options[key]!r}.")
    return int(value)


def _text(name: str, options: Mapping[str, object], key: str) -> str:
    value = options.get(key, "")
    if not isinstance(value, str) or not value.isprintable():
        raise UserInputError(f"potentiostat {name}: {key} must be text, not {value!r}.")
    return value.strip()


def resource_parts(resource: str) -> tuple[str, str, str]:
    """Return the pipe's resource, the ``Host`` header and the path for ``http://host:port/path`` or any other pipe.

    The usual port is 5678 and the usual path that of the public bridge.
    """
    if not resource.startswith("http://"):
        return resource, resource.partition("://")[2].split("?")[0] or "bridge", PATH
    place, slash, path = resource.removeprefix("http://").partition("/")
    host = place if place.rpartition(":")[2].isdigit() and ":" in place else f"{place}:{PORT}"
    return f"tcp://{host}", host, f"/{path}" if slash and path else PATH
