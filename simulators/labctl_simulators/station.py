"""Write what a station needs to use a bench: station file, cell registry, folder for step files."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.model.units import cm2_from_disc_mm, g_from_mg
from labctl_simulators.bench import Bench
from labctl_simulators.builder import CellRecord
from labctl_simulators.chamber.device import RtuChamberDevice
from labctl_simulators.multiplexer.place import CYCLER, POTENTIOSTAT
from labctl_simulators.pace import Mode, Pace
from labctl_simulators.par273a.device import Par273Device
from labctl_simulators.server import HOST, Serving
from labctl_simulators.versastat.device import VersastatDevice

LOCKSTEP_POLL_s = 600
FREE_POLL_s = 10
FREE_POLLS_PER_WALL_s = 4.0
POLL_MAX_s = 3600
"""The longest poll period that a station file may ask for."""
COATED_FILM_nm = 750.0
_DRIVERS = {"methodscript": "methodscript", "versastat": "versastat-vdk", "par273a": "par273a"}
"""The driver of each kind of potentiostat that labctl can talk to unattended."""
_TERMINATORS = {b"\r": "cr", b"\r\n": "crlf"}
_TOKEN_FILE = "{}.token"
_ONE_C_mA_per_g = {"LTO": 175.0, "LFP": 170.0}
_KINDS = {"LTO": "lto_li", "LFP": "lfp_li"}
CELL_COLUMNS = (
    "cell_id", "name", "kind", "diameter_mm", "area_cm2", "active_mass_mg", "one_c_mA_per_g",
    "nominal_capacity_mAh", "electrolyte", "coating", "film_nm", "batch", "ocv_V", "notes",
)  # fmt: skip


def first_line(bench: Bench, pace: Pace, serving: Serving, folder: Path) -> dict[str, Any]:
    """Return the object of the first line that ``labctl sim --json`` prints."""
    instruments: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "neware-bts",
            "host": HOST,
            "port": serving.ports[name],
            "channels": len(device.channels),
        }
        for name, device in bench.parts.installations.items()
    ]
    for name in bench.parts.chambers:
        instruments.append({"name": name, "kind": "modbus-chamber", **_place(serving, name)})
    for name, potentiostat in bench.parts.potentiostats.items():
        place = _place(serving, name) if potentiostat.has_link else {"folder": str(potentiostat.folder)}
        told = {"kind": potentiostat.kind, "model": potentiostat.model_name}
        instruments.append({"name": name, **told, **place})
        for end in potentiostat.more_links():
            instruments.append({"name": f"{name}:{end}", "kind": end, **_place(serving, f"{name}:{end}")})
    for name in bench.parts.multiplexers:
        instruments.append({"name": name, "kind": "multiplexer", **_place(serving, name)})
    return {
        "schema": "labctl.sim/1",
        "seed": bench.seed,
        "mode": pace.mode.value,
        "speed": "max" if pace.speed is None else pace.speed,
        "admin": f"{HOST}:{serving.ports['admin']}",
        "station_file": str(folder / "station.yaml"),
        "cells_file": str(folder / "cells.csv"),
        "steps_folder": str(folder / "steps"),
        "instruments": instruments,
    }


def _place(serving: Serving, name: str) -> dict[str, Any]:
    if name in serving.ptys:
        return {"path": serving.ptys[name]}
    return {"host": HOST, "port": serving.ports[name]}


def write_files(bench: Bench, pace: Pace, serving: Serving, folder: Path) -> None:
    """Write station.yaml, cells.csv and the folder steps/ into a folder, and folders for those who leave files."""
    for name, potentiostat in bench.parts.potentiostats.items():
        if not potentiostat.has_link:
            potentiostat.folder = potentiostat.folder or folder / name
            potentiostat.folder.mkdir(parents=True, exist_ok=True)
        if isinstance(potentiostat, VersastatDevice) and potentiostat.bridge.token:
            _write_secret(folder / _TOKEN_FILE.format(name), potentiostat.bridge.token)
    (folder / "steps").mkdir(parents=True, exist_ok=True)
    (folder / "station.yaml").write_text(station_text(bench, pace, serving, folder), "utf-8")
    with (folder / "cells.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(cells_text(bench))


def station_text(bench: Bench, pace: Pace, serving: Serving, folder: Path) -> str:
    """Return the station file of a served bench."""
    speed = "max" if pace.speed is None else f"{pace.speed:g}"
    if pace.mode is Mode.LOCKSTEP:
        poll_s = LOCKSTEP_POLL_s
    else:
        poll_s = min(POLL_MAX_s, max(FREE_POLL_s, math.ceil((pace.speed or 1.0) / FREE_POLLS_PER_WALL_s)))
    lines = [
        "# Written by labctl sim; it fits the ports of this one process.",
        "labctl: station/1",
        f"name: {_quoted('virtual bench ' + bench.parts.name)}",
        f'clock: {{mode: {pace.mode.value}, admin: "{HOST}:{serving.ports["admin"]}", speed: {speed}}}',
        "instruments:",
    ]
    for name, device in bench.parts.installations.items():
        lines += [
            f"  - name: {_quoted(name)}",
            "    driver: neware-bts",
            f"    resource: tcp://{HOST}:{serving.ports[name]}",
            "    timezone: UTC",
            "    options:",
            f"      devid: {device.devid}",
            f"      devtype: {device.devtype}",
            f"      step_folder: {_quoted(str(folder / 'steps'))}",
            f"      poll_s: {poll_s}",
            "      units:",
            *(f'        "{unit}": {_quoted(model)}' for unit, model in bench.parts.models[name].items()),
        ]
    lines += _chamber_lines(bench, serving, poll_s)
    lines += _potentiostat_lines(bench, serving, poll_s, folder)
    lines += _switch_lines(bench, serving, poll_s)
    return "\n".join(lines) + "\n"


def _chamber_lines(bench: Bench, serving: Serving, poll_s: int) -> list[str]:
    lines = ["chambers:"] if bench.parts.chambers else []
    for name, device in bench.parts.chambers.items():
        rtu = isinstance(device, RtuChamberDevice)
        resource = (
            f"serial://{serving.ptys[name]}?baud=19200" if rtu else f"tcp://{HOST}:{serving.ports[name]}"
        )
        inside = [slot for slot, chamber in bench.parts.chamber_of.items() if chamber == name]
        slots = [slot for slot in inside if slot in bench.parts.slots] + _switched_into(bench, name)
        lines += [
            f"  - name: {_quoted(name)}",
            "    driver: modbus-chamber",
            f"    resource: {resource}",
            f"    options: {{poll_s: {poll_s}}}",  # every poll stops the plant in lockstep
            f"    channels: [{', '.join(_quoted(slot) for slot in slots)}]",
        ]
    return lines


def _switched_into(bench: Bench, chamber: str) -> list[str]:
    """Return the channels whose cells hang in a multiplexer's places and stand in a chamber."""
    places = (place for box in bench.parts.multiplexers.values() for place in box.places.values())
    return [
        place.ends[CYCLER].name
        for place in places
        if CYCLER in place.ends and place.record is not None and place.record.entry.get("chamber") == chamber
    ]


def _write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone reads (safety-and-faults.md X02)."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _potentiostat_lines(bench: Bench, serving: Serving, poll_s: int, folder: Path) -> list[str]:
    """Return the potentiostats that have a wire and a driver; the cell of every channel may come to each."""
    lines = ["potentiostats:"] if _served(bench) else []
    for name, driver in _served(bench).items():
        device, resource, options = bench.parts.potentiostats[name], _resource(serving, name), ""
        if isinstance(device, VersastatDevice):
            resource = f"http://{HOST}:{serving.ports[name]}"
            if device.bridge.token:
                options = f", token_file: {_quoted(str(folder / _TOKEN_FILE.format(name)))}"
        elif isinstance(device, Par273Device):
            options = _analysed_options(device, serving, name)
        lines += [
            f"  - name: {_quoted(name)}",
            f"    driver: {driver}",
            f"    resource: {resource}",
            f"    options: {{poll_s: {poll_s}{options}}}",
        ]
    return lines


def _analysed_options(device: Par273Device, serving: Serving, name: str) -> str:
    """Return what a 273A's driver is told: its address, how its lines end, what stands beside it, and where."""
    options = f", address: {device.address}, terminator: {_TERMINATORS[device.terminator]}"
    if device.lockin is not None:
        options += ", analyser: lockin72xx"
    elif device.fra is not None:
        options += ", analyser: solartron1260"
    gpib = f"{name}:gpib"
    if gpib in serving.ports and (device.lockin is not None or device.fra is not None):
        options += f', analyser_resource: "tcp://{HOST}:{serving.ports[gpib]}"'
    return options


def _served(bench: Bench) -> dict[str, str]:
    """Return the driver of each potentiostat that a station can use unattended."""
    found = {}
    for name, one in bench.parts.potentiostats.items():
        blind = isinstance(one, VersastatDevice) and one.bridge.public  # it runs no experiments
        if one.has_link and one.kind in _DRIVERS and not blind:
            found[name] = _DRIVERS[one.kind]
    return found


def _switch_lines(bench: Bench, serving: Serving, poll_s: int) -> list[str]:
    """Return the multiplexers of those potentiostats: on which of its places the cell of each channel hangs."""
    lines: list[str] = []
    for name, box in bench.parts.multiplexers.items():
        ends = {number: place.ends for number, place in box.places.items() if CYCLER in place.ends}
        served = next((end[POTENTIOSTAT].name for end in ends.values()), "")
        if served not in _served(bench):
            continue
        places = ", ".join(f"{_quoted(end[CYCLER].name)}: {number}" for number, end in ends.items())
        lines += [
            f"  - name: {_quoted(name)}",
            "    driver: multiplexer",
            f"    resource: {_resource(serving, name)}",
            f"    options: {{poll_s: {poll_s}, places: {max(box.places)}}}",
            f"    potentiostat: {_quoted(served)}",
            f"    places: {{{places}}}",
        ]
    return ["switches:", *lines] if lines else []


def _resource(serving: Serving, name: str) -> str:
    return f"serial://{serving.ptys[name]}" if name in serving.ptys else f"tcp://{HOST}:{serving.ports[name]}"


def _quoted(text: str) -> str:
    """Return a YAML double-quoted scalar (JSON strings are such)."""
    return json.dumps(text, ensure_ascii=False)


def cells_text(bench: Bench) -> str:
    """Return the registry import (CSV) of the bench's cells: what a maker of cells would know, no truth."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CELL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in registry_rows(bench):
        writer.writerow(row)
    return out.getvalue()


def registry_rows(bench: Bench) -> list[Mapping[str, object]]:
    """Return what a maker of the bench's cells would know of each, by the columns of the import table."""
    return [_registry_row(record) for record in bench.parts.cells.values()]


def _registry_row(record: CellRecord) -> Mapping[str, object]:
    entry, cell = record.entry, record.cell
    family = str(entry["variant"])[:3]
    area_cm2 = cm2_from_disc_mm(float(entry.get("diameter_mm", 10.0)))
    film_nm = entry.get("film_nm")
    coated = str(entry["variant"]).endswith("-Z") if film_nm is None else film_nm > 0
    row: dict[str, object] = {
        "cell_id": entry["cell_id"],
        "name": entry.get("name", entry["variant"]),
        "kind": _KINDS.get(family, "symmetric"),
        "diameter_mm": f"{entry.get('diameter_mm', 10.0):g}",
        "area_cm2": f"{area_cm2:.6f}",
        "electrolyte": "PEO-LiTFSI" if cell.variant.electrolyte == "peo" else "1 M LiPF6 EC/DEC/DMC",
        "coating": "Zn" if coated else "",
        "film_nm": f"{COATED_FILM_nm if film_nm is None else film_nm:g}" if coated else "",
        "batch": "virtual",
        "ocv_V": f"{0.0 if family not in _KINDS else cell.ocv_V:.3f}",
        "notes": "",
    }
    if family in _KINDS:
        mass_mg = round(cell.variant.positive.loading_mg_per_cm2 * area_cm2, 5)
        one_c = _ONE_C_mA_per_g[family]
        row["active_mass_mg"] = f"{mass_mg:.5f}"
        row["one_c_mA_per_g"] = f"{one_c:g}"
        row["nominal_capacity_mAh"] = f"{g_from_mg(mass_mg) * one_c:.6f}"
    return row
