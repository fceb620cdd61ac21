"""The vendor's library behind a small face: an instrument with ``Immediate`` and ``Experiment``, called by name.

On Windows it is the .NET assembly ``VersaSTATControl`` of the VersaSTAT Developers Kit, loaded by pythonnet. Anything
with the same attributes does as well: the tests hand in plain Python.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labctl.errors import UserInputError
from labctl_drivers.versastat_vdk.bridge.calls import KitCall, Part
from labctl_drivers.versastat_vdk.codec import Value

ASSEMBLY = "VersaSTATControl"
USUAL_FOLDER = Path("C:/Program Files (x86)/Princeton Applied Research/VersaSTAT Development Kit")
"""Where the kit's installer puts it [S: ASDC]."""


def load_instrument(folder: Path) -> object:
    """Load the kit and return its instrument. Raises: UserInputError naming what to install where."""
    if not sys.platform.startswith("win"):
        raise UserInputError(
            "The bridge runs on the Windows computer with the instrument: the vendor's kit is a Windows library. Here "
            "only its --help works."
        )
    try:
        clr = importlib.import_module("clr")
    except ImportError as error:
        raise UserInputError(
            "The bridge needs pythonnet to load the vendor's kit: python -m pip install pythonnet"
        ) from error
    if not (folder / f"{ASSEMBLY}.dll").is_file():
        raise UserInputError(
            f"{ASSEMBLY}.dll is not in {folder}: install the VersaSTAT Developers Kit, or name its folder by --library."
        )
    sys.path.append(str(folder))
    clr.AddReference(ASSEMBLY)
    made: object = importlib.import_module(ASSEMBLY).Instrument()
    return made


class Library:
    """Calls the kit by name and turns what it answers into what the wire carries. Blocking; any thread."""

    def __init__(self, instrument: object) -> None:
        self._instrument = instrument

    def call(self, name: str, call: KitCall, parameters: Sequence[Value]) -> Value:
        """Return what the kit answers. Raises whatever the kit raises; TypeError for an answer of another type."""
        part = (
            self._instrument if call.part is Part.INSTRUMENT else getattr(self._instrument, call.part.value)
        )
        return _turned(getattr(part, name)(*parameters), call.answers)


def _turned(answer: Any, wanted: type | None) -> Value:
    if wanted is None:
        return ""
    if wanted is list:
        return [float(value) for value in answer]
    if wanted is bool:
        return bool(answer)
    if answer is None:
        raise TypeError("the library answers nothing where a value is due")
    turned: Value = wanted(answer)
    return turned
