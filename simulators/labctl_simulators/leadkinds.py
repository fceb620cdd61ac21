"""The kinds of potentiostats that may stand on a bench: which models each has, and how one is made of its entry."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labctl.errors import UserInputError
from labctl_simulators.methodscript.device import MethodScriptDevice
from labctl_simulators.methodscript.models import MODELS as METHODSCRIPT_MODELS
from labctl_simulators.onleads import OnLeads
from labctl_simulators.par273a import ladder as par
from labctl_simulators.par273a.device import ADDRESS_DEFAULT, FRA_ADDRESS, LOCKIN_ADDRESS, Par273Device
from labctl_simulators.par273a.lockin import LOCKINS
from labctl_simulators.powersuite.device import PowerSuiteDevice
from labctl_simulators.powersuite.models import MODELS as POWERSUITE_MODELS
from labctl_simulators.versastat.device import VersastatDevice
from labctl_simulators.versastat.models import HIGH_SHARE, LOW_SHARE, OVERLOAD_SHARE, Model
from labctl_simulators.versastat.models import MODELS as VERSASTAT_MODELS
from labctl_simulators.world.eiseffects import Chance, effects_of
from labctl_simulators.world.eistiming import METHODSCRIPT, VERSASTAT
from labctl_simulators.world.potentiostat import Potentiostat

Entry = Mapping[str, Any]
Make = Callable[[Entry, int, Callable[[], float]], OnLeads]
"""Takes the entry of a bench file, the bench's seed and its plant time."""
KIND_DEFAULT = "methodscript"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its models as a bench file names them, and its maker."""

    models: tuple[str, ...]
    make: Make


def crc8(entry: Entry) -> int:
    """Return eight digits that depend on the name: the default of a serial number."""
    return zlib.crc32(str(entry["name"]).encode()) % 10**8


def _whole_number(entry: Entry, key: str, default: int) -> int:
    text = str(entry.get(key, default))
    if not (text.isascii() and text.isdigit()):
        raise UserInputError(f"The {key} of {entry['name']} is a whole number, not {text!r}.")
    return int(text)


def _methodscript(entry: Entry, seed: int, now_s: Callable[[], float]) -> OnLeads:
    name, model = entry["name"], METHODSCRIPT_MODELS[entry["model"]]
    plant = Potentiostat(
        name,
        next(iter(model.modes.values())).ladder,
        METHODSCRIPT,
        effects_of(entry.get("profile", "calibrated"), entry.get("effects", {})),
        Chance(seed, name),
        model.current_max_A,
        model.potential_max_V,
    )
    serial = entry.get("serial", f"{model.code.upper()}{crc8(entry):08d}")
    return MethodScriptDevice(model, plant, now_s, serial=serial, eis_max_Hz=entry.get("eis_max_Hz"))


def _family_plant(entry: Entry, seed: int, model: Model) -> Potentiostat:
    """Return the plant of a VersaSTAT or PARSTAT."""
    return Potentiostat(
        entry["name"],
        model.ladder,
        VERSASTAT,
        effects_of(entry.get("profile", "calibrated"), entry.get("effects", {})),
        Chance(seed, entry["name"]),
        model.current_max_A,
        model.potential_max_V,
        low_share=LOW_SHARE,
        high_share=HIGH_SHARE,
        overload_share=OVERLOAD_SHARE,
    )


def _versastat(entry: Entry, seed: int, now_s: Callable[[], float]) -> OnLeads:
    model = VERSASTAT_MODELS[entry["model"]]
    model = replace(model, eis_max_Hz=entry.get("eis_max_Hz", model.eis_max_Hz))
    return VersastatDevice(
        model,
        _family_plant(entry, seed, model),
        now_s,
        serial=_whole_number(entry, "serial", crc8(entry)),
        token=entry.get("token", ""),
        public=entry.get("bridge") == "public",
    )


def _par273a(entry: Entry, seed: int, now_s: Callable[[], float]) -> OnLeads:
    address = entry.get("address", ADDRESS_DEFAULT)
    if not 0 <= address <= 30 or address in (LOCKIN_ADDRESS, FRA_ADDRESS):
        taken = f"{LOCKIN_ADDRESS} is the lock-in's, {FRA_ADDRESS} the 1260's"
        raise UserInputError(f"The address of {entry['name']} is 0 to 30; {taken}.")
    plant = Potentiostat(
        entry["name"],
        par.LADDER,
        VERSASTAT,
        effects_of(entry.get("profile", "calibrated"), entry.get("effects", {})),
        Chance(seed, entry["name"]),
        par.CURRENT_MAX_A,
        par.ELECTROMETER_MAX_V,
        low_share=par.LOW_SHARE,
        high_share=par.HIGH_SHARE,
        overload_share=par.OVERLOAD_SHARE,
    )
    return Par273Device(
        plant,
        now_s,
        model=entry["model"],
        serial=entry.get("link") == "pty",
        terminator=b"\r" if entry.get("terminator") == "cr" else b"\r\n",
        address=address,
        lockin=LOCKINS.get(entry.get("lockin", "")),
        with_fra="fra" in entry,
    )


def _powersuite(entry: Entry, seed: int, now_s: Callable[[], float]) -> OnLeads:
    model = POWERSUITE_MODELS[entry["model"]]
    model = replace(model, eis_max_Hz=entry.get("eis_max_Hz", model.eis_max_Hz))
    folder = Path(entry["folder"]) if "folder" in entry else None
    return PowerSuiteDevice(model, _family_plant(entry, seed, model), now_s, folder=folder)


KINDS: Mapping[str, Kind] = {
    "methodscript": Kind(tuple(METHODSCRIPT_MODELS), _methodscript),
    "versastat": Kind(tuple(VERSASTAT_MODELS), _versastat),
    "powersuite": Kind(tuple(POWERSUITE_MODELS), _powersuite),
    "par273a": Kind(par.MODELS, _par273a),
}
