"""The calls of the bridge: the vendor's names, what each takes, and what it does to the library.

Source: potentiostat.md 2.2.1 and 2.2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from labctl_simulators.versastat.actions import MEASURE_OPEN_CIRCUIT, ORDERS
from labctl_simulators.versastat.models import RANGES_A
from labctl_simulators.versastat.points import COLUMNS
from labctl_simulators.versastat.rpc import CallFault, Code
from labctl_simulators.versastat.vdk import Vdk


@dataclass(frozen=True, slots=True)
class Method:
    """One call: the types of its parameters and its act. ``changes`` says that a bench writes it down."""

    kinds: tuple[type, ...]
    act: Callable[..., object]
    changes: bool = False
    needs_connection: bool = True

    def checked(self, name: str, parameters: Sequence[Any]) -> list[Any]:
        """Return the parameters in their types. Raises: CallFault for another count or type."""
        if len(parameters) != len(self.kinds):
            text = f"{name} takes {len(self.kinds)} parameters, not {len(parameters)}"
            raise CallFault(Code.WRONG_PARAMETERS, text)
        taken = []
        for value, kind in zip(parameters, self.kinds, strict=True):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            fits = number if kind is float else isinstance(value, kind) and not isinstance(value, bool)
            if not fits:
                raise CallFault(Code.WRONG_PARAMETERS, f"{name} takes {kind.__name__}, not {value!r}")
            taken.append(kind(value))
        return taken


INSTRUMENT: Mapping[str, Method] = {
    "FindNext": Method((int,), Vdk.find_next, needs_connection=False),
    "Connect": Method((int,), Vdk.connect, changes=True, needs_connection=False),
    "Close": Method((), Vdk.close, changes=True, needs_connection=False),
    "GetSerialNumber": Method((), lambda vdk: vdk.serial),
    "GetModel": Method((), lambda vdk: vdk.model.told),
    "GetOptions": Method((), lambda vdk: vdk.model.options),
    "GetIsLowCurrentInterfacePresent": Method((), lambda vdk: False),
}
IMMEDIATE: Mapping[str, Method] = {
    "SetCellOn": Method((), partial(Vdk.set_cell, on=True), changes=True),
    "SetCellOff": Method((), partial(Vdk.set_cell, on=False), changes=True),
    "SetCellExternal": Method((), lambda vdk: None),
    "SetModePotentiostat": Method((), partial(Vdk.set_galvanostat, galvanostatic=False), changes=True),
    "SetModeGalvanostat": Method((), partial(Vdk.set_galvanostat, galvanostatic=True), changes=True),
    **{f"SetIRange_{name}": Method((), partial(Vdk.set_range, name=name), changes=True) for name in RANGES_A},
    "SetAutoIRangeOn": Method((), partial(Vdk.set_automatic, automatic=True), changes=True),
    "SetAutoIRangeOff": Method((), partial(Vdk.set_automatic, automatic=False), changes=True),
    "SetDCPotential": Method((float,), Vdk.set_potential, changes=True),
    "SetDCCurrent": Method((float,), Vdk.set_current, changes=True),
    "SetACFrequency": Method((float,), Vdk.set_sine),
    "SetACAmplitude": Method((float,), Vdk.set_sine),
    "SetACWaveformOn": Method((), Vdk.set_sine),
    "SetACWaveformOff": Method((), Vdk.set_sine),
    "UpdateStatus": Method((), Vdk.update_status),
    "GetE": Method((), lambda vdk: vdk.status.potential_V),
    "GetI": Method((), lambda vdk: vdk.status.current_A),
    "GetOverload": Method((), lambda vdk: vdk.status.overload),
    "GetBoosterEnabled": Method((), lambda vdk: False),
    "GetCellEnabled": Method((), lambda vdk: vdk.status.cell_on),
    "GetIRange": Method((), Vdk.range_told),
}
EXPERIMENT: Mapping[str, Method] = {
    "GetActionList": Method((), Vdk.action_list),
    "Clear": Method((), Vdk.clear, changes=True),
    "Start": Method((), Vdk.start, changes=True),
    "Stop": Method((), Vdk.stop, changes=True),
    "Skip": Method((), Vdk.skip, changes=True),
    "IsSequenceRunning": Method((), Vdk.is_sequence_running),
    "GetNumPointsAvailable": Method((), Vdk.points_available),
    "GetLastMeasuredOC": Method((), Vdk.last_open_circuit_V),
    f"Add{MEASURE_OPEN_CIRCUIT}": Method((), partial(Vdk.add, name=MEASURE_OPEN_CIRCUIT), changes=True),
    **{
        f"Add{name}": Method((str,), lambda vdk, text, name=name: vdk.add(name, text), changes=True)
        for name in ORDERS
    },
    **{
        f"GetData{column}": Method(
            (int, int), lambda vdk, start, count, column=column: vdk.data(column, start, count)
        )
        for column in COLUMNS
    },
}
PUBLIC = {**INSTRUMENT, **IMMEDIATE}
"""What the public bridge offers; it has neither experiments nor a lease."""
METHODS = {**PUBLIC, **EXPERIMENT}
EVER = ("Stop", "SetCellOff")
"""Served while another call runs, and where nobody holds a lease."""
