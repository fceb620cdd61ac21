"""What a station file may say about a Neware, checked once. Source: neware-bts.md 1.3, 2.9."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labctl.errors import UserInputError
from labctl_drivers.neware.messages import DEVTYPE_BTS85, LOCAL_SERVER_IP
from labctl_drivers.neware.profiles import Profile, profile_of
from labctl_drivers.neware.stepfile import CLIENT_VERSION

POLL_MIN_S = 5.0
"""Live values are no fresher than about 5 s (section 1.3)."""

KNOWN = (
    "devid", "devtype", "ip", "username", "password", "step_folder", "step_folder_on_bts", "units",
    "reply_timeout_s", "stop_timeout_s", "client_version", "poll_s", "aux_temperature", "backup_folder",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewareOptions:
    """Checked options. Times are link time but ``poll_s``, which is plant time and belongs to the engine."""

    devid: int
    step_folder: Path
    step_folder_on_bts: str
    units: Mapping[int, Profile] = field(default_factory=dict)
    devtype: int = DEVTYPE_BTS85
    ip: str = LOCAL_SERVER_IP
    username: str = "admin"
    password: str = field(default="neware", repr=False)
    reply_timeout_s: float = 30.0
    stop_timeout_s: float = 5.0
    client_version: str = CLIENT_VERSION
    aux_temperature: bool = False
    backup_folder: str = ""


def options_from(name: str, raw: Mapping[str, object]) -> NewareOptions:
    """Check the options of instrument ``name``. Raises: UserInputError naming the option and what would be right."""
    for key in raw:
        if key not in KNOWN:
            near = difflib.get_close_matches(str(key), KNOWN, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known options: {', '.join(KNOWN)}."
            raise UserInputError(f"{name}: options: unknown key {key!r}.{hint}")
    if "devid" not in raw:
        raise UserInputError(
            f"{name}: options.devid is missing: the middle machine's number, often its last IP byte."
        )
    if "step_folder" not in raw:
        raise UserInputError(
            f"{name}: options.step_folder is missing: a folder that this station can write and the BTS PC can read."
        )
    poll_s = _number(name, raw, "poll_s", 10.0)
    if poll_s < POLL_MIN_S:
        raise UserInputError(
            f"{name}: options.poll_s is {poll_s:g}; live values are no fresher than {POLL_MIN_S:g} s."
        )
    step_folder = Path(_text(name, raw, "step_folder", "")).expanduser()
    return NewareOptions(
        devid=_integer(name, raw, "devid", 0),
        devtype=_integer(name, raw, "devtype", DEVTYPE_BTS85),
        ip=_text(name, raw, "ip", LOCAL_SERVER_IP),
        username=_text(name, raw, "username", "admin"),
        password=_text(name, raw, "password", "neware"),
        step_folder=step_folder,
        step_folder_on_bts=_text(name, raw, "step_folder_on_bts", "") or str(step_folder.absolute()),
        units=_units(name, raw.get("units", {})),
        reply_timeout_s=_positive(name, raw, "reply_timeout_s", 30.0),
        stop_timeout_s=_positive(name, raw, "stop_timeout_s", 5.0),
        client_version=_text(name, raw, "client_version", CLIENT_VERSION),
        aux_temperature=_boolean(name, raw, "aux_temperature"),
        backup_folder=_text(name, raw, "backup_folder", ""),
    )


def _units(name: str, raw: object) -> dict[int, Profile]:
    if not isinstance(raw, Mapping):
        raise UserInputError(
            f'{name}: options.units: map unit numbers to models, for example {{"1": 5V10mA}}.'
        )
    units: dict[int, Profile] = {}
    for key, description in raw.items():
        if not str(key).isascii() or not str(key).isdigit():
            raise UserInputError(f"{name}: options.units: {key!r} is not a unit number (subdevid, from 1).")
        units[int(str(key))] = profile_of(description, where=f"{name}: options.units.{key}")
    return units


def _text(name: str, raw: Mapping[str, object], key: str, default: str) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str):
        raise UserInputError(f"{name}: options.{key} is {value!r}; write text.")
    return value


def _number(name: str, raw: Mapping[str, object], key: str, default: float) -> float:
    value = raw.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserInputError(f"{name}: options.{key} is {value!r}; write a number.")
    return float(value)


def _positive(name: str, raw: Mapping[str, object], key: str, default: float) -> float:
    value = _number(name, raw, key, default)
    if not 0.0 < value < 1e6:
        raise UserInputError(f"{name}: options.{key} is {value:g}; write seconds above 0.")
    return value


def _integer(name: str, raw: Mapping[str, object], key: str, default: int) -> int:
    value = raw.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise UserInputError(f"{name}: options.{key} is {value!r}; write a whole number.")
    return value


def _boolean(name: str, raw: Mapping[str, object], key: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise UserInputError(f"{name}: options.{key} is {value!r}; write true or false.")
    return value
