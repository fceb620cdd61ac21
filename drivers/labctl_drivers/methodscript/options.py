"""The driver's options in the station file."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from labctl.errors import UserInputError

REPLY_TIMEOUT_S = 3.0
"""Link seconds until a command must be answered; a script is accepted within seconds (2.1.7, 4)."""

UNATTENDED_MAX_S = 900.0
"""The longest that a cell may be driven by an instrument without watchdog (safety-and-faults section 3): 15 min."""

OCV_S = 2.0
"""How long the open-circuit potential is measured before a spectrum; the mean of the last second counts."""

LIMITS = ("eis_min_Hz", "eis_max_Hz", "amplitude_max_V", "current_max_A")
KNOWN = (*LIMITS, "reply_timeout_s", "ocv_s", "step_max_s", "step_max_by", "eis_opt", "poll_s")


@dataclass(frozen=True, slots=True)
class MethodScriptOptions:
    """How to talk to one instrument. ``limits`` replace those of the model; ``step_max_by`` is who allows more."""

    limits: Mapping[str, float] = field(default_factory=dict)
    reply_timeout_s: float = REPLY_TIMEOUT_S
    ocv_s: float = OCV_S
    step_max_s: float = UNATTENDED_MAX_S
    step_max_by: str = ""
    eis_opt: str = ""


def options_from(name: str, options: Mapping[str, object]) -> MethodScriptOptions:
    """Check the options of potentiostat ``name``. Raises UserInputError naming the option and what is right."""
    for key in options:
        if key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, 1)
            hint = f"did you mean {near[0]}?" if near else f"known options are {', '.join(KNOWN)}."
            raise UserInputError(f"potentiostat {name}: unknown option {key!r}; {hint}")
    by, eis_opt = options.get("step_max_by", ""), options.get("eis_opt", "")
    if not isinstance(by, str):
        raise UserInputError(f"potentiostat {name}: step_max_by must be the name of a person, not {by!r}.")
    if not isinstance(eis_opt, str) or "\n" in eis_opt:
        raise UserInputError(f"potentiostat {name}: eis_opt must be the text of the option, not {eis_opt!r}.")
    chosen = MethodScriptOptions(
        limits={key: _number(name, options, key, math.nan) for key in LIMITS if key in options},
        reply_timeout_s=_number(name, options, "reply_timeout_s", REPLY_TIMEOUT_S),
        ocv_s=_number(name, options, "ocv_s", OCV_S),
        step_max_s=_number(name, options, "step_max_s", UNATTENDED_MAX_S),
        step_max_by=by.strip(),
        eis_opt=eis_opt.strip(),
    )
    if chosen.step_max_s > UNATTENDED_MAX_S and not chosen.step_max_by:
        raise UserInputError(
            f"potentiostat {name}: step_max_s above {UNATTENDED_MAX_S:g} needs step_max_by, the name of the person who "
            "allows it: this instrument has no watchdog."
        )
    return chosen


def _number(name: str, options: Mapping[str, object], key: str, default: float) -> float:
    value = options.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not (0 < value < math.inf):
        raise UserInputError(f"potentiostat {name}: {key} must be a number above 0, not {value!r}.")
    return float(value)


def with_usual_line(resource: str) -> str:
    """Add what an EmStat Pico's port needs to a serial resource that does not say: 230400 baud, XON/XOFF."""
    if not resource.startswith("serial:"):
        return resource
    for setting in ("baud=230400", "flow=xonxoff"):
        if f"{setting.partition('=')[0]}=" not in resource:
            resource += ("&" if "?" in resource else "?") + setting
    return resource
