"""``labctl doctor``: check this computer, the station file and the instruments; energises nothing."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.context import DEFAULT_DATA, station_if_any
from labctl.cli.output import emit_json, say
from labctl.errors import LabctlError

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.config.station import StationFile

HELP = "Check this computer, the station file and every instrument it names. Reads only; energises nothing."

PACKAGES = (
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "ruamel.yaml",
    "pyvisa",
    "serial",
    "pymodbus",
    "sqlalchemy",
)


class Check(NamedTuple):
    """One line of the report; ``fix`` says what to do when it is not ok."""

    what: str
    ok: bool
    found: str
    fix: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--offline", action="store_true", help="do not talk to the instruments")


def run(args: argparse.Namespace) -> int:
    """Print a line per check; exit 1 when one is not ok."""
    checks = list(_checks(args))
    if args.json:
        emit_json([check._asdict() for check in checks])
    else:
        for check in checks:
            say(f"{'ok  ' if check.ok else 'FAIL'}  {check.what}: {check.found}")
            if not check.ok and check.fix:
                say(f"      {check.fix}")
    return EXIT_OK if all(check.ok for check in checks) else EXIT_FAILED


def _checks(args: argparse.Namespace) -> Iterator[Check]:
    version = sys.version.split()[0]
    yield Check("Python", sys.version_info >= (3, 11), version, "Install Python 3.11 or newer.")
    yield _packages()
    station: StationFile | None = None
    try:
        station = station_if_any(args)
    except LabctlError as error:
        yield Check("station file", False, str(error), "Mend the line named above.")
    else:
        found = "none" if station is None else str(station.path)
        yield Check("station file", station is not None, found, "Write one with: labctl init")
    yield _data_root(Path(args.data or (station.data if station and station.data else DEFAULT_DATA)))
    if station is not None and not args.offline:
        yield from _instruments(station)


def _packages() -> Check:
    missing = []
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append(f"{name} ({error})")
    return Check("packages", not missing, ", ".join(missing) or "all import", "Run start.py again.")


def _data_root(path: Path) -> Check:
    from labctl.store.root import DataRoot, SpaceLevel, unfit_place

    problem = unfit_place(path.absolute())
    if problem:
        return Check("data root", False, f"{path}: {problem}", "Choose a folder on a local disk with --data.")
    if path.exists() and not path.is_dir():
        return Check("data root", False, f"{path} is a file", "Choose a folder with --data.")
    if not path.is_dir():
        return Check("data root", True, f"{path} (made by the first 'labctl cells add' or 'import')")
    if not os.access(path, os.W_OK | os.X_OK):
        return Check(
            "data root", False, f"{path} cannot be written to", "Change its owner, or choose another folder."
        )
    try:
        space = DataRoot(path, create=False).space()
    except (LabctlError, OSError) as error:
        return Check("data root", False, str(error), "Choose another folder with --data.")
    free = f"{path}, {space.free_bytes / 1e9:.1f} GB free"
    return Check(
        "data root", space.level is not SpaceLevel.HIGH, free, "Make room: no run starts below 2 GB or 5 %."
    )


def _instruments(station: StationFile) -> Iterator[Check]:
    """Open every instrument, read identity and channel states, close."""
    from labctl.clock import run_with_clock

    results: list[Check] = []

    async def main(clock: Clock) -> None:
        from labctl.engine.station import build_chamber, build_cycler

        for instrument in station.instruments:
            await _asked(results, instrument.name, lambda spec=instrument: build_cycler(spec, clock))  # type: ignore[misc]
        for chamber in station.chambers:
            await _asked(results, chamber.name, lambda spec=chamber: build_chamber(spec, clock))  # type: ignore[misc]

    try:
        run_with_clock(station.clock.without_lead(), main)
    except LabctlError as error:
        results.append(Check("clock", False, str(error), "Is the virtual bench still running?"))
    yield from results


async def _asked(results: list[Check], name: str, build: Callable[[], Any]) -> None:
    device = build()
    try:
        await device.open()
        results.append(Check(name, True, await _told(device)))
    except LabctlError as error:
        results.append(
            Check(name, False, str(error), "Is it on, and is the address in the station file right?")
        )
    finally:
        await device.close()


async def _told(device: Any) -> str:
    """Return what an open cycler or chamber says about itself, as a sentence."""
    if not hasattr(device, "identify"):
        at = await device.read()
        alarm = f", alarm: {at.alarm_text}" if at.alarm else ""
        return f"{at.state.value}, {at.temperature_degC:.2f} degC, set to {at.setpoint_degC:.1f} degC{alarm}"
    identity = await device.identify()
    states = Counter(entry.state.value for entry in await device.live(await device.places()))
    return f"{identity}: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
