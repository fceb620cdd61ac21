"""``labctl eis run``: take one spectrum at one potentiostat, with a person beside it and without a station.

Ctrl-C, SIGTERM and a lost terminal end the sweep: the cell is switched off and read back, and the points so far are
kept. Everything is stored before anything is told, so that a broken terminal loses nothing.
"""

from __future__ import annotations

import argparse
import json
from itertools import count
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.atstation import words_of
from labctl.cli.output import emit_json, say
from labctl.errors import StoreError, UnknownStateError, UserInputError

if TYPE_CHECKING:
    from labctl.analysis.eis.cell import CellImpedance
    from labctl.cli.eistarget import SpectrumKeeper
    from labctl.clock import Clock
    from labctl.engine.attended import Taken
    from labctl.interfaces.potentiostat import Potentiostat
    from labctl.model.spectrum import Spectrum
    from labctl.model.technique import Peis
    from labctl.transport.base import Transport

USUAL_PERIODS, USUAL_LEAST_S, USUAL_MORE_S = 3.0, 0.05, 0.1
"""A point usually takes max(3/f, 50 ms) + 100 ms (potentiostat.md 3.2); drivers know their own time."""

ASK_THE_STATION = (
    "A station takes spectra itself: by '- eis: ...' in a protocol, or at the end of a run's step by "
    "'labctl runs spectrum'."
)

WHAT_TO_DO = """
!!  NOBODY KNOWS WHETHER THE CELL IS OFF  !!
    Look at the instrument: where its cell lamp is lit, or it has none, unplug the cell from it now.
    Then bring the link back and run the same command with --dry-run: it begins with an abort and a cell-off.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--driver", required=True, metavar="NAME", help="such as methodscript")
    add(
        "--resource",
        required=True,
        metavar="WHERE",
        help="such as serial:///dev/ttyUSB0, tcp://10.0.0.5:5025",
    )
    add("--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the driver")
    add("--from", dest="from_Hz", required=True, type=frequency, metavar="F", help="first: '200 kHz'")
    add("--to", dest="to_Hz", required=True, type=frequency, metavar="F", help="last: '100 mHz'")
    add("--points-per-decade", type=int, default=10, metavar="N", help="default: 10")
    add(
        "--amplitude", dest="amplitude_V", type=voltage, default=0.01, metavar="E",
        help="RMS, not peak; default: '10 mV'",
    )  # fmt: skip
    add("--at", dest="at_V", type=voltage, metavar="E", help="default: '0 V' against the open circuit")
    add("--vs", choices=("ocv", "ref"), help="what --at counts from; needed with --at")
    add("--settle", dest="settle_s", type=time, default=10.0, metavar="T", help="default: '10 s'")
    add("--range", dest="range_A", type=current, metavar="I", help="default: the instrument chooses")
    add("--cell", metavar="CELL", help="store the spectrum with this registered cell")
    add("--cycle", type=int, metavar="N", help="after which cycle it is taken; 0: fresh")
    add("--out", metavar="FILE", help="write it to a file: .parquet, or another format that is written")
    add("--dry-run", action="store_true", help="tell plan and refusals; the cell stays off")
    add("--admin", metavar="HOST:PORT", help="follow the clock of this virtual bench (its mode: free)")


def run(args: argparse.Namespace) -> int:
    """Take the spectrum, store it, judge it. Exit code 0: every point came and is stored."""
    from labctl.cli.eistarget import SpectrumKeeper

    technique = _technique(args)
    keeper = SpectrumKeeper(args)
    if not args.json:
        say(_plan_text(technique))
    taken, kept = _taken(args, technique, keeper)
    judged = _judged(keeper.spectrum) if keeper.spectrum is not None and taken.is_whole else None
    if isinstance(taken.error, UnknownStateError):
        say(WHAT_TO_DO, stderr=True)
    if args.json:
        emit_json(_plain(taken, technique, keeper.spectrum, kept, judged))
    else:
        _tell(taken, keeper.spectrum, kept, judged, dry_run=args.dry_run)
    done = not taken.refused if args.dry_run else taken.is_whole and "problem" not in kept
    return EXIT_OK if done else EXIT_FAILED


def _taken(args: argparse.Namespace, technique: Peis, keeper: SpectrumKeeper) -> tuple[Taken, dict[str, str]]:
    """Hold the instrument alone, measure and store. Returns what came, and the names of what was written."""
    from labctl.clock import ClockMode, ClockSpec, run_with_clock
    from labctl.engine.lease import Lease

    async def main(clock: Clock) -> tuple[Taken, dict[str, str]]:
        return await _measured(args, technique, clock, keeper)

    spec = ClockSpec(mode=ClockMode.FREE, admin=args.admin) if args.admin else ClockSpec()
    try:
        lease = Lease(args.resource, holder="labctl eis run")
    except StoreError as error:
        raise StoreError(f"{error} {ASK_THE_STATION}") from error
    try:
        return run_with_clock(spec, main)
    except UnknownStateError:
        say(WHAT_TO_DO, stderr=True)
        raise
    finally:
        lease.release()


async def _measured(
    args: argparse.Namespace, technique: Peis, clock: Clock, keeper: SpectrumKeeper
) -> tuple[Taken, dict[str, str]]:
    """Take the spectrum and store it; signals end the sweep, and nothing interrupts what comes after.

    Raises: UserInputError for a driver, resource or option that cannot be; InstrumentError as ``attended.take``.
    """
    import asyncio

    from labctl.cli.eisboard import SweepBoard
    from labctl.cli.eisperson import Terminal
    from labctl.cli.leaving import told_by_signals
    from labctl.engine.attended import take

    capture: list[str] = []
    potentiostat = _potentiostat(args, clock, capture)
    leave = asyncio.Event()
    with told_by_signals(leave, attended=True):
        with SweepBoard(quiet=args.json) as board:
            taken = await take(
                potentiostat, technique, leave, board.show, check_only=args.dry_run, ask=Terminal(clock).ask
            )
        if taken.spectrum is None:
            return taken, {}
        return taken, keeper.keep(_headed(taken, technique, args), capture)


def _potentiostat(args: argparse.Namespace, clock: Clock, capture: list[str]) -> Potentiostat:
    """Return the closed driver, every byte written down. Raises: UserInputError."""
    from labctl.engine.station import driver_version, load_driver
    from labctl.transport import open_transport
    from labctl.transport.capture import CaptureTransport, Event

    header = {
        "event": Event.BEGIN.value, "instrument": args.driver, "driver": args.driver,
        "driver_version": driver_version(args.driver), "resource": args.resource,
        "utc": clock.link.utc().isoformat(),
    }  # fmt: skip
    capture.append(json.dumps(header) + "\n")

    lanes, started_s = count(1), clock.link.now_s()

    def captured(resource: str) -> Transport:
        lane = f"{args.driver}/{next(lanes)}"
        return CaptureTransport(
            open_transport(resource, clock), clock, capture.append, link=lane, started_s=started_s
        )

    options = {name: _value(text) for name, text in words_of(args.option, "the option").items()}
    made = load_driver(args.driver)(args.driver, args.resource, options, clock, captured)
    if not all(hasattr(made, verb) for verb in ("measure", "refusals", "cell_off")):
        raise UserInputError(f"the driver {args.driver} is not one of a potentiostat.")
    potentiostat: Potentiostat = made
    return potentiostat


def _technique(args: argparse.Namespace) -> Peis:
    """Return what is asked for. Raises: UserInputError."""
    from labctl.model.technique import FrequencySweep, Peis

    if (args.at_V is None) != (args.vs is None):
        raise UserInputError("--at and --vs go together: --at '0 V' --vs ocv, or --at '3.3 V' --vs ref.")
    try:
        sweep = FrequencySweep(args.from_Hz, args.to_Hz, args.points_per_decade)
    except ValueError as error:
        raise UserInputError(f"{error}.") from error
    return Peis(
        sweep,
        args.amplitude_V,
        args.at_V or 0.0,
        args.vs or "ocv",
        settle_s=args.settle_s,
        range_A=args.range_A,
    )


def _quantity(text: str, unit: str, example: str) -> float:
    """Return a value in its base unit; a bare number is none. Raises: ArgumentTypeError, which names the option."""
    from labctl.protocol.quantities import BASE_UNIT, base_value, parse_quantity

    found = parse_quantity(text)
    if found is None or BASE_UNIT[found.kind] != unit:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number with a unit such as '{example}'")
    return base_value(found)


def frequency(text: str) -> float:
    """Return a frequency of the command line in Hz. Raises: ArgumentTypeError."""
    return _quantity(text, "Hz", "200 kHz")


def voltage(text: str) -> float:
    """Return a voltage of the command line in V. Raises: ArgumentTypeError."""
    return _quantity(text, "V", "10 mV")


def time(text: str) -> float:
    """Return a time of the command line in s. Raises: ArgumentTypeError."""
    return _quantity(text, "s", "10 s")


def current(text: str) -> float:
    """Return a current of the command line in A. Raises: ArgumentTypeError."""
    return _quantity(text, "A", "1 mA")


def _value(text: str) -> object:
    """Return an option as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def usual_s(technique: Peis) -> float:
    """Return the seconds that such a sweep usually takes, with settling and without the open circuit before."""
    frequencies_Hz: list[float] = technique.sweep.frequencies_Hz().tolist()
    points_s = (max(USUAL_PERIODS / f_Hz, USUAL_LEAST_S) + USUAL_MORE_S for f_Hz in frequencies_Hz)
    return technique.settle_s + sum(points_s)


def _settings_text(technique: Peis) -> str:
    from labctl.analysis.eisfigures import frequency_text
    from labctl.protocol.quantities import readable

    sweep = technique.sweep
    against = "the open circuit" if technique.e_dc_vs == "ocv" else "the reference"
    at = readable(technique.e_dc_V, "V") if technique.e_dc_V else "0 V"
    chosen = "chosen by the instrument" if technique.range_A is None else readable(technique.range_A, "A")
    return (
        f"{frequency_text(sweep.f_start_Hz)} to {frequency_text(sweep.f_end_Hz)}, "
        f"{sweep.points_per_decade} per decade, "
        f"{readable(technique.amplitude_rms_V, 'V')} rms at {at} against {against}, "
        f"settled {technique.settle_s:g} s, range {chosen}"
    )


def _plan_text(technique: Peis) -> str:
    from labctl.cli.progress import duration

    about = duration(usual_s(technique))
    return f"{technique.sweep.points} points: {_settings_text(technique)}; usually {about}"


def _headed(taken: Taken, technique: Peis, args: argparse.Namespace) -> Spectrum:
    """Return the spectrum with who measured it, how, and what is missing."""
    from dataclasses import replace

    from labctl.store.spectra import INCOMPLETE

    assert taken.spectrum is not None
    who, head = taken.identity, taken.spectrum.head
    notes = (*head.notes, _settings_text(technique), f"{_identity_text(taken)}, {args.resource}")
    name = head.name
    if not taken.is_whole:
        name = f"{name}, incomplete"
        notes = (*notes, f"{INCOMPLETE}{taken.points} of {taken.expected} points; {_why(taken)}")
    head = replace(head, name=name, instrument=f"{who.maker} {who.serial}".strip(), notes=notes)
    return replace(taken.spectrum, head=head)


def _why(taken: Taken) -> str:
    return "ended by a person" if taken.error is None else str(taken.error)


def _identity_text(taken: Taken) -> str:
    who = taken.identity
    return f"{who.maker} {who.model}, serial number {who.serial or 'not told'}, firmware {who.firmware or 'not told'}"


def _judged(spectrum: Spectrum) -> CellImpedance:
    from labctl.analysis.eis.history import analyse_all

    return analyse_all([spectrum], None)[0]


def _tell(
    taken: Taken,
    spectrum: Spectrum | None,
    kept: dict[str, str],
    judged: CellImpedance | None,
    *,
    dry_run: bool,
) -> None:
    say(_identity_text(taken))
    for text in taken.refused:
        say(f"refused: {text}")
    if dry_run:
        say("The cell was not switched on." + ("" if taken.refused else " It can be measured so."))
        return
    if taken.error is not None:
        say(f"FAILED after {taken.points} of {taken.expected} points: {taken.error}")
    elif taken.told_to_end:
        say(f"ended after {taken.points} of {taken.expected} points")
    if not isinstance(taken.error, UnknownStateError):
        say("The cell is off.")
    if spectrum is None:
        return
    head = spectrum.head
    say(f"open circuit {head.ocv_before_V:z.4f} V before, {head.ocv_after_V:z.4f} V after")
    for name, text in kept.items():
        say(f"{name:<8} {text}")
    if judged is None:
        say(
            "An incomplete spectrum is not judged: 'labctl eis kk' and 'labctl eis fit' take it all the same."
        )
        return
    from labctl.cli.eisjudge import tell_fit

    if judged.kk is not None:
        verdict = "passed" if judged.kk.passed else "FAILED"
        say(f"Lin-KK {verdict}: rms {100.0 * judged.kk.rms:.3f} %")
    tell_fit(head.name, judged)


def _plain(
    taken: Taken,
    technique: Peis,
    spectrum: Spectrum | None,
    kept: dict[str, str],
    judged: CellImpedance | None,
) -> dict[str, Any]:
    """Return the one JSON object."""
    from dataclasses import asdict

    from labctl.analysis.eisfiles.ownparquet import head_to_plain
    from labctl.cli.eisjudge import fit_plain

    fitted = None if judged is None else fit_plain(judged.head.name, judged)
    kk = None if judged is None or judged.kk is None else {"passed": judged.kk.passed, "rms": judged.kk.rms}
    return {
        "identity": asdict(taken.identity),
        "technique": asdict(technique),
        "usual_s": usual_s(technique),
        "refused": list(taken.refused),
        "points": taken.points,
        "expected": taken.expected,
        "complete": taken.is_whole,
        "ended_by_person": taken.told_to_end,
        "error": None if taken.error is None else str(taken.error),
        "cell": "unknown" if isinstance(taken.error, UnknownStateError) else "off",
        "head": None if spectrum is None else head_to_plain(spectrum.head),
        "kept": kept,
        "kk": kk,
        "fit": fitted,
    }
