"""``labctl eis run``: take one spectrum at one potentiostat, with a person beside it and without a station.

Ctrl-C, SIGTERM and a lost terminal end the sweep: the cell is switched off and read back, and the points so far are
kept. Everything is stored before anything is told, so that a broken terminal loses nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from itertools import count
from typing import TYPE_CHECKING, Any

from labctl.cli import eiswish
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
    from labctl.model.technique import Geis, Peis
    from labctl.transport.base import Transport

ASK_THE_STATION = (
    "A station takes spectra itself: by '- eis: ...' in a protocol, or at the end of a run's step by "
    "'labctl runs spectrum'."
)

WHAT_TO_DO = """
!!  NOBODY KNOWS WHETHER THE CELL IS OFF  !!
    Look at the instrument: where its cell lamp is lit, or it has none, unplug the cell from it now.
"""
AND_THEN = """\
    Then bring the link back and run the same command with --dry-run: it begins with an abort and a cell-off.
"""
CONFIRMED = "labctl cannot read this instrument's cell: it is off as was confirmed, or nothing was begun."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "--driver", required=True, metavar="NAME",
        help="methodscript, versastat-vdk, par273a, powersuite-files, or one of a plugin",
    )  # fmt: skip
    add(
        "--resource", required=True, metavar="WHERE",
        help="such as serial:///dev/ttyUSB0, tcp://10.0.0.5:1234, http://windows-pc:5678, file:///C:/exports",
    )  # fmt: skip
    add(
        "--option", action="append", default=[], metavar="KEY=VALUE",
        help="an option of the driver, once for each; a wrong one is answered with those that there are",
    )  # fmt: skip
    eiswish.add_arguments(parser)
    add("--cell", metavar="CELL", help="store the spectrum with this registered cell")
    add("--cycle", type=int, metavar="N", help="after which cycle it is taken; 0: fresh")
    add("--out", metavar="FILE", help="write it to a file: .parquet, or another format that is written")
    add(
        "--circuit", metavar="CIRCUIT", help="fit this one, such as R-(RC) for a dummy (default: by the cell)"
    )
    add("--dry-run", action="store_true", help="tell plan and refusals; the cell stays off")
    add("--admin", metavar="HOST:PORT", help="follow the clock of this virtual bench (its mode: free)")


def run(args: argparse.Namespace) -> int:
    """Take the spectrum, store it, judge it. Exit code 0: every point came and is stored."""
    from labctl.analysis.eis.circuit import Circuit
    from labctl.analysis.eis.history import analyse_all
    from labctl.cli.eistarget import SpectrumKeeper

    circuit = Circuit.read(args.circuit) if args.circuit else None
    technique = eiswish.technique_of(args)
    keeper = SpectrumKeeper(args)
    if not args.json:
        say(eiswish.plan_text(technique))
    taken, kept = _taken(args, technique, keeper)
    judged = None
    if keeper.spectrum is not None and taken.is_whole:
        judged = analyse_all([keeper.spectrum], circuit)[0]
    if isinstance(taken.error, UnknownStateError):
        say(WHAT_TO_DO + ("" if taken.attended else AND_THEN), stderr=True)
    if args.json:
        emit_json(_plain(taken, technique, keeper.spectrum, kept, judged))
    else:
        _tell(taken, keeper.spectrum, kept, judged, dry_run=args.dry_run)
    done = not taken.refused if args.dry_run else taken.is_whole and "problem" not in kept
    return EXIT_OK if done else EXIT_FAILED


def _taken(
    args: argparse.Namespace, technique: Peis | Geis, keeper: SpectrumKeeper
) -> tuple[Taken, dict[str, str]]:
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
        say(WHAT_TO_DO + AND_THEN, stderr=True)
        raise
    finally:
        lease.release()


async def _measured(
    args: argparse.Namespace, technique: Peis | Geis, clock: Clock, keeper: SpectrumKeeper
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
            ask = Terminal(clock, board).ask
            taken = await take(potentiostat, technique, leave, board.show, check_only=args.dry_run, ask=ask)
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


def _value(text: str) -> object:
    """Return an option as a number where it is one; nan and infinity are text, which no option of a number takes."""
    for number in (int, float):
        with contextlib.suppress(ValueError):
            value = number(text)
            return value if math.isfinite(value) else text
    return text


def _headed(taken: Taken, technique: Peis | Geis, args: argparse.Namespace) -> Spectrum:
    """Return the spectrum with who measured it, how, and what is missing."""
    from dataclasses import replace

    from labctl.store.spectra import INCOMPLETE

    assert taken.spectrum is not None
    who, head = taken.identity, taken.spectrum.head
    notes = (*head.notes, eiswish.settings_text(technique), f"{_identity_text(taken)}, {args.resource}")
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
        say(CONFIRMED if taken.attended else "The cell is off.")
    if spectrum is None:
        return
    head = spectrum.head
    say(f"open circuit {_volts(head.ocv_before_V)} before, {_volts(head.ocv_after_V)} after")
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


def _volts(value_V: float) -> str:
    return f"{value_V:z.4f} V" if math.isfinite(value_V) else "not told"


def _plain(
    taken: Taken,
    technique: Peis | Geis,
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
        "usual_s": eiswish.usual_s(technique),
        "refused": list(taken.refused),
        "points": taken.points,
        "expected": taken.expected,
        "complete": taken.is_whole,
        "ended_by_person": taken.told_to_end,
        "error": None if taken.error is None else str(taken.error),
        "cell": "unknown" if isinstance(taken.error, UnknownStateError) else "off",
        "read_back": not taken.attended,
        "head": None if spectrum is None else head_to_plain(spectrum.head),
        "kept": kept,
        "kk": kk,
        "fit": fitted,
    }
