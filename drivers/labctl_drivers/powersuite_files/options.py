"""The driver's options and its folder in the station file."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from labctl.errors import UserInputError

LIMITS: Mapping[str, float] = {
    "eis_min_Hz": 1e-3, "eis_max_Hz": 1e6, "amplitude_max_V": 1.0, "potential_max_V": 10.0,
}  # fmt: skip
"""What labctl assumes of the class, because nothing public that it could read tells: an option sets another."""

SECONDS: Mapping[str, float] = {
    "poll_s": 2.0,
    "short_wait_s": 60.0,
    "wait_max_s": 86_400.0,
    "abort_wait_s": 5.0,
}
KNOWN = (*LIMITS, *SECONDS, "model", "serial_number", "raw_folder")
MODEL = "PARSTAT 2263/2273"


@dataclass(frozen=True, slots=True)
class PowerSuiteOptions:
    """How a folder is watched and what the instrument beside it can do.

    ``poll_s``, ``short_wait_s`` (how long an export that does not fit the plan must stand still before it is believed)
    and ``wait_max_s`` are plant time; ``abort_wait_s`` is a person's, link time.
    """

    limits: Mapping[str, float] = field(default_factory=lambda: dict(LIMITS))
    model: str = MODEL
    serial_number: str = ""
    raw_folder: Path | None = None
    poll_s: float = SECONDS["poll_s"]
    short_wait_s: float = SECONDS["short_wait_s"]
    wait_max_s: float = SECONDS["wait_max_s"]
    abort_wait_s: float = SECONDS["abort_wait_s"]


def options_from(name: str, options: Mapping[str, object]) -> PowerSuiteOptions:
    """Check the options of potentiostat ``name``. Raises UserInputError naming the option and what is right."""
    for key in options:
        if key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, 1)
            hint = f"did you mean {near[0]}?" if near else f"known options are {', '.join(KNOWN)}."
            raise UserInputError(f"potentiostat {name}: unknown option {key!r}; {hint}")
    raw_folder = _text(name, options, "raw_folder", "")
    return PowerSuiteOptions(
        limits={key: _number(name, options, key, assumed) for key, assumed in LIMITS.items()},
        model=_text(name, options, "model", MODEL),
        serial_number=_text(name, options, "serial_number", ""),
        raw_folder=Path(raw_folder).expanduser() if raw_folder else None,
        **{key: _number(name, options, key, usual) for key, usual in SECONDS.items()},
    )


def folder_of(name: str, resource: str) -> Path:
    """Return the folder that ``file:///C:/exports`` or ``file:///srv/exports`` names. Raises: UserInputError."""
    parts = urlsplit(resource)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or parts.query:
        raise UserInputError(
            f"potentiostat {name}: resource {resource!r} must be the folder of PowerSuite's exports, for example "
            "file:///C:/PowerSuite/exports or file:///srv/exports."
        )
    folder = Path(url2pathname(parts.path))
    if not folder.is_absolute():
        raise UserInputError(f"potentiostat {name}: the folder {str(folder)!r} must be written in full.")
    return folder


def _number(name: str, options: Mapping[str, object], key: str, usual: float) -> float:
    value = options.get(key, usual)
    if not isinstance(value, int | float) or isinstance(value, bool) or not (0 < value < math.inf):
        raise UserInputError(f"potentiostat {name}: {key} must be a number above 0, not {value!r}.")
    return float(value)


def _text(name: str, options: Mapping[str, object], key: str, usual: str) -> str:
    value = options.get(key, usual)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a serial number that looked like any number
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).isprintable():
        raise UserInputError(f"potentiostat {name}: {key} must be text, not {value!r}.")
    return str(value).strip()
