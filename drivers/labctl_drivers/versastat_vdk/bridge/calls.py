"""Every call that the bridge passes on, as data: where it lives in the kit, what it takes, what it answers.

What is not listed cannot be reached. Source of names, parameters and results: potentiostat.md 2.2.1; where the manual
extract gives no parameter the call has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Part(StrEnum):
    """The kit's three classes, by the attribute that leads to each from an instrument; the empty one is itself."""

    INSTRUMENT = ""
    IMMEDIATE = "Immediate"
    EXPERIMENT = "Experiment"


@dataclass(frozen=True, slots=True)
class KitCall:
    """One call of the kit: its part, the types of its parameters, the type that it answers (``None``: nothing)."""

    part: Part
    takes: tuple[type, ...]
    answers: type | None


def _all(
    part: Part, names: str, takes: tuple[type, ...] = (), answers: type | None = None
) -> dict[str, KitCall]:
    return {name: KitCall(part, takes, answers) for name in names.split()}


RANGES = "2A 200mA 20mA 2mA 200uA 20uA 2uA 200nA 20nA 4nA 2nA 200pA 20pA 4pA"
COLUMNS = (
    "Potential Current ElapsedTime Point Segment CurrentRange AppliedPotential Charge Frequency ImpedanceReal "
    "ImpedanceImaginary ImpedanceMagnitude ImpedancePhase VACReal VACImaginary VACMagnitude VACPhase IACReal "
    "IACImaginary IACMagnitude IACPhase SyncADCInput"
)
ACTIONS = (
    "OpenCircuit LinearScanVoltammetry CyclicVoltammetry MultiCyclicVoltammetry Chronoamperometry "
    "Chronopotentiometry Potentiostatic Galvanostatic EISPotentiostatic EISGalvanostatic AutoCurrentRangeSetup Loop "
    "ConstantCurrent ConstantPotential ConstantPower ConstantResistance"
)

CALLS: Mapping[str, KitCall] = MappingProxyType(
    {
        **_all(Part.INSTRUMENT, "FindNext", (int,), int),
        **_all(Part.INSTRUMENT, "Connect", (int,), bool),
        **_all(Part.INSTRUMENT, "Close"),
        **_all(Part.INSTRUMENT, "GetSerialNumber GetModel GetOptions", (), str),
        **_all(Part.INSTRUMENT, "GetIsLowCurrentInterfacePresent", (), bool),
        **_all(
            Part.IMMEDIATE,
            "SetCellOn SetCellOff SetCellExternal SetCellInternal SetModePotentiostat SetModeGalvanostat "
            "SetACWaveformOn SetACWaveformOff SetAutoIRangeOn SetAutoIRangeOff UpdateStatus",
        ),
        **_all(Part.IMMEDIATE, " ".join(f"SetIRange_{name}" for name in RANGES.split())),
        **_all(Part.IMMEDIATE, "SetDCPotential SetDCCurrent SetACFrequency SetACAmplitude", (float,)),
        **_all(Part.IMMEDIATE, "GetE GetI", (), float),
        **_all(Part.IMMEDIATE, "GetOverload", (), int),
        **_all(Part.IMMEDIATE, "GetBoosterEnabled GetCellEnabled", (), bool),
        **_all(Part.IMMEDIATE, "GetIRange", (), str),
        **_all(Part.EXPERIMENT, "GetActionList", (), str),
        **_all(Part.EXPERIMENT, "Clear Start Stop Skip"),
        **_all(Part.EXPERIMENT, "IsSequenceRunning", (), bool),
        **_all(Part.EXPERIMENT, "GetNumPointsAvailable", (), int),
        **_all(Part.EXPERIMENT, "GetLastMeasuredOC", (), float),
        **_all(Part.EXPERIMENT, "AddMeasureOpenCircuit", (), bool),
        **_all(Part.EXPERIMENT, " ".join(f"Add{name}" for name in ACTIONS.split()), (str,), bool),
        **_all(Part.EXPERIMENT, " ".join(f"GetData{name}" for name in COLUMNS.split()), (int, int), list),
    }
)

ENDINGS = ("Stop", "SetCellOff")
"""What makes safe, in this order. Served at once while another call runs."""
