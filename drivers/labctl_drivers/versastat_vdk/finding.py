"""What stands behind an opened link: the server, the instrument, and a cell that is off before anything is asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labctl.errors import RefusedError, UnknownStateError, UserFileError
from labctl.interfaces.potentiostat import PotentiostatIdentity
from labctl_drivers.versastat_vdk.kit import Kit
from labctl_drivers.versastat_vdk.lane import BridgeFault
from labctl_drivers.versastat_vdk.models import UNKNOWN, Model, model_of
from labctl_drivers.versastat_vdk.options import VdkOptions

log = logging.getLogger(__name__)

MAKER = "Princeton Applied Research"
INSTRUMENTS_MAX = 32
"""Instruments looked through on one computer; a library that never says 0 must not hold us for ever."""

EIS_OPTIONS = ("FRA", "EIS")


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers, and what the server and the instrument can do."""

    identity: PotentiostatIdentity
    model: Model
    has_experiment: bool
    has_eis: bool


def token_of(path: Path | None) -> str:
    """Return the token in a file; empty without one. Raises: UserFileError for a file that holds none."""
    if path is None:
        return ""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserFileError(
            f"the token cannot be read: {error}", path=path, fix="Copy the bridge's token file here."
        ) from error
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UserFileError(
            "this holds no token",
            path=path,
            fix="It must be one line of letters and digits, as the bridge has it.",
        )
    return token


async def find(kit: Kit, options: VdkOptions) -> Found:
    """Ask what answers, take the lease, connect, and make sure that the cell is off.

    Raises: RefusedError where the instrument is missing, unknown or held by another; UnknownStateError where its cell
    is still on; LinkError, WireError.
    """
    kit.has_lease = False
    bridge = await _bridge(kit)
    if bridge is None or bridge.get("has_experiment") is not True:
        return await _plain(kit, options)
    kit.has_lease = True
    await kit.hold()
    serial = await _connected(kit, options.serial_number)
    await _off(kit, has_experiment=True)
    name = await kit.text("GetModel")
    model = model_of(name).with_limits(options.limits)
    told = await kit.text("GetSerialNumber") or str(serial)
    abilities = await kit.text("GetOptions")
    log.info("actions instrument=%s list=%s", told, await kit.text("GetActionList"))
    has_eis = any(word in abilities.upper() for word in EIS_OPTIONS)
    version = f"{bridge.get('name', '')} {bridge.get('version', '')}".strip()
    return Found(PotentiostatIdentity(MAKER, name, told, version), model, True, has_eis)


async def _bridge(kit: Kit) -> Mapping[str, object] | None:
    """Return what labctl's bridge says of itself; None for a server that does not know the question."""
    try:
        told = await kit.call("BridgeInfo")
    except BridgeFault as fault:
        log.warning("no BridgeInfo, so no Experiment calls and no lease: %s", fault.vendor_text)
        return None
    return told if isinstance(told, Mapping) else None


async def _plain(kit: Kit, options: VdkOptions) -> Found:
    """Return what a server with the Immediate calls alone has: it can be read and switched off (VD-3).

    Whether it has the Instrument calls as well is not known: where it has none it is connected already.
    """
    name = serial = ""
    try:
        serial = str(await _connected(kit, options.serial_number))
        name = await kit.text("GetModel")
    except BridgeFault as fault:
        log.info("not told: %s", fault.vendor_text)
    await _off(kit, has_experiment=False)
    name = name or "VersaSTAT (model not told)"
    return Found(PotentiostatIdentity(MAKER, name, serial), Model(name, unknown=UNKNOWN), False, False)


async def _connected(kit: Kit, wanted: int) -> int:
    """Connect the instrument with a serial number, or the first; return its number. Raises: RefusedError."""
    seen: list[int] = []
    serial = 0
    while len(seen) < INSTRUMENTS_MAX:
        serial = await kit.whole("FindNext", serial)
        if serial == 0 or serial in seen:
            break
        seen.append(serial)
        if wanted in (0, serial):
            if not await kit.truth("Connect", serial):
                raise RefusedError(
                    f"the instrument {serial} cannot be connected: does another program hold it?"
                )
            return serial
    there = ", ".join(map(str, seen)) or "none"
    what = f"the instrument {wanted} is not" if wanted else "no instrument is"
    raise RefusedError(f"{what} on the bridge's USB; found: {there}")


async def _off(kit: Kit, *, has_experiment: bool) -> None:
    await kit.make_safe(has_experiment)
    if await kit.cell_is_on():
        raise UnknownStateError("the instrument says that the cell is still on")
