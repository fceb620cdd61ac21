"""The driver's options in the station file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labctl.errors import UserInputError
from labctl_drivers.chamber.messages import Framing

REPLY_TIMEOUT_S = 5.0
"""Link seconds. Chambers answer within 0.1 s; a gateway to a slow serial line may need one or two."""

KNOWN = ("table", "unit", "framing", "reply_timeout_s", "poll_s")


@dataclass(frozen=True, slots=True)
class ChamberOptions:
    """How to talk to one chamber. ``unit`` None: what the register map says. ``poll_s`` is the engine's."""

    framing: Framing
    unit: int | None = None
    table: Path | None = None
    reply_timeout_s: float = REPLY_TIMEOUT_S


def options_from(name: str, resource: str, options: Mapping[str, object]) -> ChamberOptions:
    """Check the options of chamber ``name``. Raises UserInputError naming the option and what would be
    right."""
    for key in options:
        if key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, 1)
            hint = f"did you mean {near[0]}?" if near else f"known options are {', '.join(KNOWN)}."
            raise UserInputError(f"chamber {name}: unknown option {key!r}; {hint}")
    framing = options.get("framing", _usual_framing(resource))
    if framing not in tuple(Framing):
        raise UserInputError(f"chamber {name}: framing must be tcp or rtu, not {framing!r}.")
    unit = options.get("unit")
    if unit is not None and (not isinstance(unit, int) or isinstance(unit, bool) or not 1 <= unit <= 247):
        raise UserInputError(f"chamber {name}: unit must be a whole number 1 to 247, not {unit!r}.")
    timeout_s = options.get("reply_timeout_s", REPLY_TIMEOUT_S)
    if not isinstance(timeout_s, int | float) or isinstance(timeout_s, bool) or not 0 < timeout_s <= 600:
        raise UserInputError(
            f"chamber {name}: reply_timeout_s must be above 0 and at most 600, not {timeout_s!r}."
        )
    table = options.get("table")
    if table is not None and not isinstance(table, str | Path):
        raise UserInputError(f"chamber {name}: table must be the path of a register map, not {table!r}.")
    return ChamberOptions(
        framing=Framing(str(framing)),
        unit=unit,
        table=None if table is None else Path(table),
        reply_timeout_s=float(timeout_s),
    )


def _usual_framing(resource: str) -> Framing:
    """Return what goes over a link of this kind: checksums on a serial line, a header on a network."""
    return Framing.RTU if resource.startswith(("serial:", "visa://ASRL")) else Framing.TCP


def with_usual_baud(resource: str) -> str:
    """Add 19200 baud to a serial resource that names none."""
    if not resource.startswith("serial:") or "baud=" in resource:
        return resource
    return resource + ("&" if "?" in resource else "?") + "baud=19200"
