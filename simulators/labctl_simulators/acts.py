"""What a person or a fault plan does to the bench through the admin link (virtual-time 3).

Every act is a bench event: the cells it touches are committed at that moment and planned anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labctl.errors import UserInputError
from labctl_simulators import cellacts, places
from labctl_simulators.adminfields import number
from labctl_simulators.cellacts import channel_at, held_in, told_cell
from labctl_simulators.chamber.faults import WireFault as ChamberWireFault
from labctl_simulators.neware.channel import Channel, Log, Status
from labctl_simulators.neware.device import Installation
from labctl_simulators.neware.faults import WireFaultKind, known_kind
from labctl_simulators.powersuite import acting as powersuite
from labctl_simulators.world.chamber import Chamber, ChamberFault

if TYPE_CHECKING:
    from labctl_simulators.bench import Bench

TRUTH_ROWS_MAX = 1000
RECORD_FIELDS = ("volt_V", "curr_A", "cap_Ah", "eng_Wh")


def answer(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one admin request. Raises: UserInputError with the known words."""
    what = str(request.get("do", ""))
    if what == "hello":
        return {
            "epoch_unix_s": bench.parts.epoch_unix_s,
            "plant_s": bench.now_s,
            "mode": bench.mode,
            "speed": "max" if bench.speed is None else bench.speed,
            "seed": bench.seed,
            "bench": bench.parts.name,
        }
    if what == "lead":
        return {"plant_s": bench.now_s}
    if what == "grant":
        until_s = number(request, "until_s")
        bench.advance_to(until_s)
        bench.note({"do": "grant"}, durable=False)
        return {"plant_s": bench.now_s}
    if what == "truth":
        return places.truth(bench, request) if places.knows(bench, request) else truth(bench, request)
    if what == "violations":
        return {"violations": list(bench.violations)}
    result = act(bench, request)
    if not _told_elsewhere(bench, request):
        bench.note({"do": "admin", "request": dict(request)})
    return result


def _told_elsewhere(bench: Bench, request: Mapping[str, Any]) -> bool:
    """Return whether a request is not written down as such.

    A wire fault belongs to connections, which end with the process; what a person does at PowerSuite the instrument
    writes down itself, because the sheet may be gone by then.
    """
    if str(request.get("do", "")).startswith("powersuite."):
        return True
    if request.get("do") != "fault":
        return False
    kind = str(request.get("kind", ""))
    potentiostat = bench.parts.potentiostats.get(str(request.get("instrument", "")))
    if potentiostat is not None:
        return potentiostat.of_the_link(kind)
    box = bench.parts.multiplexers.get(str(request.get("instrument", "")))
    if box is not None:
        return box.of_the_link(kind)
    if str(request.get("instrument", "")) in bench.parts.chambers:
        return kind not in [*(item.value for item in ChamberFault), ChamberWireFault.POWER_CUT.value]
    return kind == "clear" or kind in [item.value for item in WireFaultKind]


def act(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Do one act. Raises: UserInputError."""
    known: Mapping[str, Callable[[Bench, Mapping[str, Any]], dict[str, Any]]] = {
        "cell.insert": cellacts.insert_cell,
        "cell.remove": cellacts.remove_cell,
        "cell.swap": cellacts.swap_cell,
        "cell.place": places.place_cell,
        "cell.connect": places.connect_cell,
        "electrode.coat": cellacts.coat_electrode,
        "chamber.set": set_chamber_act,
        "chamber.door": chamber_door,
        "fault": fault,
        "powersuite.run": powersuite.run,
        "powersuite.stop": powersuite.stop,
    }
    what = str(request.get("do", ""))
    if what not in known:
        words = ", ".join(["hello", "lead", "grant", "pace", "truth", "violations", *known])
        raise UserInputError(f"The admin link knows {words}; not {what!r}.")
    return known[what](bench, request)


def _any_number(request: Mapping[str, Any], name: str, default: float) -> float:
    """Return a number that may be NaN or infinite, also written as text."""
    try:
        return float(request.get(name, default))
    except (TypeError, ValueError) as error:
        raise UserInputError(f"{name} must be a number, not {request.get(name)!r}.") from error


def _record_field(request: Mapping[str, Any]) -> str:
    field = request.get("field", "volt_V")
    if not isinstance(field, str) or field not in RECORD_FIELDS:
        raise UserInputError(f"A record has {', '.join(RECORD_FIELDS)}; not {field!r}.")
    return field


# -- chambers --------------------------------------------------------------------------------------------


def _chamber(bench: Bench, name: object) -> Chamber:
    if not isinstance(name, str) or name not in bench.parts.chambers:
        raise UserInputError(f"The bench has no chamber {name!r}; it has {', '.join(bench.parts.chambers)}.")
    return bench.parts.chambers[name].chamber


def _law(chamber: Chamber) -> tuple[object, ...]:
    """Return what tells two courses of the air apart."""
    now_s = chamber.now_s
    ahead = tuple(chamber.temperature_degC(now_s + gone_s) for gone_s in (0.0, 60.0, 1800.0, 36000.0))
    return (chamber.state, chamber.on, chamber.setpoint_degC, chamber.ramp_K_per_min, ahead)


@contextmanager
def _disturbing(bench: Bench, name: str) -> Iterator[None]:
    """Run an act on a chamber; when its course changes, the cells inside are planned anew."""
    chamber = _chamber(bench, name)
    before = _law(chamber)
    yield
    if _law(chamber) != before:
        for slot, where in bench.parts.chamber_of.items():
            if where == name:
                holder = bench.parts.holder(slot)
                holder.cut(bench.now_tick)
                holder.replan(bench.now_tick)


@contextmanager
def watching_chamber(bench: Bench, name: str) -> Iterator[None]:
    """Run an exchange on a chamber's link; note it down when it changed the settings."""
    chamber = _chamber(bench, name)
    settings = (chamber.on, chamber.setpoint_degC, chamber.ramp_K_per_min, chamber.alarm)
    with _disturbing(bench, name):
        yield
    if (chamber.on, chamber.setpoint_degC, chamber.ramp_K_per_min, chamber.alarm) != settings:
        bench.note(
            {
                "do": "chamber",
                "name": name,
                "on": chamber.on,
                "setpoint_degC": chamber.setpoint_degC,
                "ramp_K_per_min": chamber.ramp_K_per_min,
            }
        )


def set_chamber(bench: Bench, name: str, values: Mapping[str, Any]) -> None:
    """Set point, ramp and switch of a chamber, as far as named."""
    chamber = _chamber(bench, name)
    with _disturbing(bench, name):
        if "setpoint_degC" in values and values["setpoint_degC"] != chamber.setpoint_degC:
            chamber.set_point(number(values, "setpoint_degC"))
        if "ramp_K_per_min" in values and values["ramp_K_per_min"] != chamber.ramp_K_per_min:
            chamber.set_ramp(number(values, "ramp_K_per_min"))
        if "on" in values:
            chamber.switch(bool(values["on"]))


def set_chamber_act(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the knobs of a chamber at its panel."""
    name = str(request.get("name", ""))
    set_chamber(bench, name, request)
    chamber = _chamber(bench, name)
    return {"name": name, "on": chamber.on, "setpoint_degC": chamber.setpoint_degC}


def chamber_door(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Open or close the door of a chamber."""
    name = str(request.get("name", ""))
    chamber = _chamber(bench, name)
    is_open = bool(request.get("open", True))
    with _disturbing(bench, name):
        chamber.door(is_open)
    return {"name": name, "open": is_open}


# -- faults ----------------------------------------------------------------------------------------------


def fault(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a fault of an instrument, or end it with ``on: false``."""
    name, kind = str(request.get("instrument", "")), str(request.get("kind", ""))
    if name in bench.parts.chambers:
        device = bench.parts.chambers[name]
        value = request.get("value")
        with _disturbing(bench, name):
            if request.get("on", True):
                count = int(number(request, "count")) if "count" in request else None
                device.inject(kind, None if value is None else number(request, "value"), count)
            else:
                device.clear(kind)
        return {"instrument": name, "kind": kind}
    if name in bench.parts.potentiostats:
        bench.parts.potentiostats[name].fault(kind, request)
        return {"instrument": name, "kind": kind}
    if name in bench.parts.multiplexers:
        bench.parts.multiplexers[name].fault(kind, request)
        return {"instrument": name, "kind": kind}
    installation = bench.installation(name or None)
    known_kind(kind)
    if kind in [item.value for item in WireFaultKind]:
        installation.wire_faults.arm(request)
    elif kind == "clear":
        installation.wire_faults.clear()
    else:
        _device_fault(bench, installation, kind, request)
    return {"instrument": installation.name, "kind": kind}


def _device_fault(bench: Bench, device: Installation, kind: str, request: Mapping[str, Any]) -> None:
    on = bool(request.get("on", True))
    switches = device.switches
    if kind == "reboot":
        reboot(bench, device)
    elif kind == "clock_jump":
        device.clock.jump(bench.now_tick, round(number(request, "shift_s")))
    elif kind == "upload_lag":
        switches.upload_lag_ticks = round(number(request, "lag_s") * 10) if on else 0
    elif kind == "late_count":
        switches.late_count = int(number(request, "records")) if on else 0
    elif kind in ("wrong_subdevid", "extra_attributes", "modern_client", "right_spelling"):
        setattr(switches, kind, on)
    else:
        _channel_fault(bench, channel_at(bench, request)[1], kind, request, on)


def _channel_fault(bench: Bench, channel: Channel, kind: str, request: Mapping[str, Any], on: bool) -> None:
    override, tick = channel.machine.override, bench.now_tick

    def change() -> None:
        if kind == "open_contact":
            channel.contact_open = on
        elif kind == "freeze":
            override.frozen = on
        elif kind == "clamp":
            override.clamp_A = number(request, "current_A") if on else None
        elif kind == "bad_value":
            override.bad_field = _record_field(request) if on else None
            override.bad_value = _any_number(request, "value", math.nan)
        elif kind == "cap_wrap":
            override.cap_wrap_Ah = number(request, "at_Ah") if on else None
        elif kind == "cap_forget":
            override.forget_reset = on
        elif kind == "cap_reset":
            shift = channel.live(tick).capacity_Ah if on else 0.0
            override.cap_shift_Ah = shift
        elif kind == "counter_reset" and channel.counter is not None:
            channel.counter.cycle = 1

    if kind == "protect":
        channel.protect(tick)
    elif kind == "overrun" and channel.test is not None:
        lost = int(number(request, "records"))
        end = channel.test.visible(tick)
        channel.test.lost.append((max(0, end - lost), end))
    elif kind == "cap_reset":
        change()
        channel.change_contact(tick, lambda: None)
    else:
        channel.change_contact(tick, change)


def reboot(bench: Bench, device: Installation) -> None:
    """Cut the power of a cycler for a moment: running and paused tests stand in ``stop``, data kept."""
    for channel in device.channels.values():
        if channel.status in (Status.WORKING, Status.PAUSE):
            channel.stop(bench.now_tick, Log.POWER_LOST)
        channel.reservation = None
    if bench.on_reboot is not None:
        bench.on_reboot(device.name)


# -- truth -----------------------------------------------------------------------------------------------


def truth(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what the device really did: commands received, records, and the cell's true state."""
    slot, channel = channel_at(bench, request)
    instrument, _, place = slot.partition(":")
    device = bench.parts.installations[instrument]
    after = int(number(request, "after_sequence")) if "after_sequence" in request else 0
    wanted = int(number(request, "testid")) if "testid" in request else 0
    test = channel.test if not wanted else channel.tests.get(wanted)
    records: dict[str, list[float]] = {}
    count = 0
    if test is not None and test.columns:
        count = test.visible(bench.now_tick)
        part = slice(after, min(count, after + TRUTH_ROWS_MAX))
        records = {name: column[part].tolist() for name, column in test.columns.items()}
    return {
        "slot": slot,
        "plant_s": bench.now_s,
        "status": channel.status.value,
        "testid": 0 if test is None else test.test_id,
        "barcode": "" if test is None else test.barcode,
        "tests": {str(entry.test_id): entry.barcode for entry in channel.tests.values()},
        "cycle": 0 if channel.counter is None else channel.counter.cycle,
        "count": count,
        "lost": [] if test is None else [list(piece) for piece in test.lost],
        "records": records,
        "commands": [
            {
                "sequence": entry.sequence,
                "plant_s": entry.tick / 10.0,
                "command": entry.command,
                "accepted": entry.accepted,
                "testid": entry.test_id,
                "detail": entry.detail,
                "barcode": entry.barcode,
                "sha256": entry.sha256,
            }
            for entry in device.truth
            if entry.place == place
        ],
        "cell": _cell_truth(bench, slot, channel),
    }


def _cell_truth(bench: Bench, slot: str, channel: Channel) -> dict[str, Any] | None:
    record, cell = held_in(bench, slot), channel.cell_now(bench.now_tick)
    return None if record is None or cell is None else told_cell(record, cell)
