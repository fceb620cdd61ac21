"""What a person does at PowerSuite, through the admin link: take a sheet and measure, or press Stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.errors import UserInputError
from labctl_simulators.adminfields import number
from labctl_simulators.neware.files import read_regular_file
from labctl_simulators.powersuite.device import PowerSuiteDevice, Task
from labctl_simulators.powersuite.export import Layout
from labctl_simulators.powersuite.sheet import file_name, read_sheet

if TYPE_CHECKING:
    from labctl_simulators.bench import Bench


def run(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Let the person read a sheet (``sheet``: its path, or ``plan``: its text) and measure. Raises: UserInputError."""
    device = _device(bench, request)
    plan = read_sheet(_text(request))
    try:
        layout = Layout(str(request.get("format", Layout.POWERSUITE)))
    except ValueError as error:
        raise UserInputError(f"PowerSuite exports {', '.join(Layout)}; not {request['format']!r}.") from error
    usual = f"{plan.cell or 'spectrum'}.txt"
    name = file_name(str(request.get("name") or plan.name or usual))
    times_s = {key: number(request, key) for key in ("operator_s", "export_s") if key in request}
    if any(value_s < 0.0 for value_s in times_s.values()):
        raise UserInputError("Nobody is done before having begun: operator_s and export_s are at least 0.")
    return device.begin(Task(plan, layout, name, **times_s))


def stop(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Let the person press Stop."""
    device = _device(bench, request)
    device.stop()
    return {"instrument": device.name}


def _device(bench: Bench, request: Mapping[str, Any]) -> PowerSuiteDevice:
    name = str(request.get("instrument", ""))
    device = bench.parts.potentiostats.get(name)
    if not isinstance(device, PowerSuiteDevice):
        known = [key for key, one in bench.parts.potentiostats.items() if isinstance(one, PowerSuiteDevice)]
        raise UserInputError(f"The bench has no PowerSuite {name!r}; it has {', '.join(known) or 'none'}.")
    return device


def _text(request: Mapping[str, Any]) -> str:
    if isinstance(request.get("plan"), str):
        return str(request["plan"])
    path = str(request.get("sheet", ""))
    data = read_regular_file(path)
    if data is None:
        raise UserInputError(f"There is no sheet at {Path(path).name or 'no path'!r} that can be read.")
    return data.decode("utf-8", "replace")
