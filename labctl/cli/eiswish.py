"""The spectrum that a command line asks for: its options, the technique they make, and how that is said.

The unit of the amplitude decides, as in a protocol: volts are potentiostatic, amperes galvanostatic.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.model.technique import Geis, Peis

USUAL_PERIODS, USUAL_LEAST_S, USUAL_MORE_S = 3.0, 0.05, 0.1
"""A point of a quick instrument takes max(3/f, 50 ms) + 100 ms (potentiostat.md 3.2); drivers know their own time."""

AMPLITUDE = 0.01, "V"
"""What is usual: 10 mV rms, and its unit."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the spectrum itself."""
    add = parser.add_argument
    add("--from", dest="from_Hz", required=True, type=frequency, metavar="F", help="first: '200 kHz'")
    add("--to", dest="to_Hz", required=True, type=frequency, metavar="F", help="last: '100 mHz'")
    add("--points-per-decade", type=int, default=10, metavar="N", help="default: 10")
    add(
        "--amplitude", type=amplitude, default=AMPLITUDE, metavar="X",
        help="RMS, not peak; default: '10 mV'; a current such as '10 uA' takes the spectrum galvanostatically",
    )  # fmt: skip
    add("--at", dest="at_V", type=_voltage, metavar="E", help="default: '0 V' against the open circuit")
    add("--vs", choices=("ocv", "ref"), help="what --at counts from; needed with --at")
    add(
        "--bias", dest="bias_A", type=_current, metavar="I",
        help="direct current of a galvanostatic spectrum; anodic is positive; default: '0 A'",
    )  # fmt: skip
    add("--settle", dest="settle_s", type=_time, default=10.0, metavar="T", help="default: '10 s'")
    add("--range", dest="range_A", type=_current, metavar="I", help="default: the instrument chooses")


def technique_of(args: argparse.Namespace) -> Peis | Geis:
    """Return what is asked for. Raises: UserInputError."""
    from labctl.model.technique import FrequencySweep, Geis, Peis

    rms, unit = args.amplitude
    if (args.at_V is None) != (args.vs is None):
        raise UserInputError("--at and --vs go together: --at '0 V' --vs ocv, or --at '3.3 V' --vs ref.")
    if unit == "A" and args.at_V is not None:
        raise UserInputError(
            "--at and --vs set a potential, and an amplitude in amperes leaves that to the cell: set --bias."
        )
    if unit == "V" and args.bias_A is not None:
        raise UserInputError(
            "--bias goes with an amplitude in amperes; beside volts --at sets the potential."
        )
    try:
        sweep = FrequencySweep(args.from_Hz, args.to_Hz, args.points_per_decade)
    except ValueError as error:
        raise UserInputError(f"{error}.") from error
    settle_s, range_A = args.settle_s, args.range_A
    if unit == "A":
        return Geis(sweep, rms, args.bias_A or 0.0, settle_s, range_A)
    return Peis(sweep, rms, args.at_V or 0.0, args.vs or "ocv", settle_s, range_A)


def usual_s(technique: Peis | Geis) -> float:
    """Return the seconds that a quick instrument takes, with settling and without the open circuit before."""
    frequencies_Hz: list[float] = technique.sweep.frequencies_Hz().tolist()
    points_s = (max(USUAL_PERIODS / f_Hz, USUAL_LEAST_S) + USUAL_MORE_S for f_Hz in frequencies_Hz)
    return technique.settle_s + sum(points_s)


def settings_text(technique: Peis | Geis) -> str:
    """Return everything that was asked for, in one line."""
    from labctl.analysis.eisfigures import frequency_text
    from labctl.protocol.quantities import readable

    sweep = technique.sweep
    chosen = "chosen by the instrument" if technique.range_A is None else readable(technique.range_A, "A")
    return (
        f"{frequency_text(sweep.f_start_Hz)} to {frequency_text(sweep.f_end_Hz)}, "
        f"{sweep.points_per_decade} per decade, {_excitation_text(technique)}, "
        f"settled {technique.settle_s:g} s, range {chosen}"
    )


def _excitation_text(technique: Peis | Geis) -> str:
    from labctl.model.technique import Geis
    from labctl.protocol.quantities import readable

    if isinstance(technique, Geis):
        bias = readable(technique.i_dc_A, "A") if technique.i_dc_A else "0 A"
        return f"{readable(technique.amplitude_rms_A, 'A')} rms around a direct current of {bias}"
    against = "the open circuit" if technique.e_dc_vs == "ocv" else "the reference"
    at = readable(technique.e_dc_V, "V") if technique.e_dc_V else "0 V"
    return f"{readable(technique.amplitude_rms_V, 'V')} rms at {at} against {against}"


def plan_text(technique: Peis | Geis) -> str:
    """Return what will be measured and how long that takes a quick instrument and a slow one."""
    from labctl.cli.progress import duration
    from labctl.protocol.spectroscopy import spectrum_s

    quick, slow = duration(usual_s(technique)), duration(spectrum_s(technique))
    return (
        f"{technique.sweep.points} points: {settings_text(technique)}; "
        f"usually {quick}, on a VersaSTAT {slow}, with a lock-in longer"
    )


def _quantity(text: str, *examples: tuple[str, str]) -> tuple[float, str]:
    """Return a value in its base unit, and the unit, which is one of those that ``examples`` show.

    Raises: ArgumentTypeError, which names the option, for another unit and for a bare number.
    """
    from labctl.protocol.quantities import BASE_UNIT, base_value, parse_quantity

    found = parse_quantity(text)
    if found is None or BASE_UNIT[found.kind] not in [unit for unit, _ in examples]:
        shown = " or ".join(f"'{example}'" for _, example in examples)
        raise argparse.ArgumentTypeError(f"{text!r} is not a number with a unit such as {shown}")
    return base_value(found), BASE_UNIT[found.kind]


def frequency(text: str) -> float:
    """Return hertz. Raises: ArgumentTypeError, which names the option."""
    return _quantity(text, ("Hz", "200 kHz"))[0]


def amplitude(text: str) -> tuple[float, str]:
    """Return volts or amperes, and which of them: V or A. Raises: ArgumentTypeError, which names the option."""
    return _quantity(text, ("V", "10 mV"), ("A", "10 uA"))


def _voltage(text: str) -> float:
    return _quantity(text, ("V", "10 mV"))[0]


def _time(text: str) -> float:
    return _quantity(text, ("s", "10 s"))[0]


def _current(text: str) -> float:
    return _quantity(text, ("A", "1 mA"))[0]
