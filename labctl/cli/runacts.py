"""Acts on runs through the station: stop, pause, resume, skip, note, revise, add cycles, take up, take a spectrum."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.atstation import add_acting, add_by, ends_text, number, station_client, tell, words_of
from labctl.cli.eiswish import AMPLITUDE, amplitude, frequency
from labctl.cli.output import print_table
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.model.run import RunSummary

ACTS = ("pause", "skip", "note", "revise", "add-cycles", "take-up", "spectrum")
"""Sub-verbs that need a station; ``stop`` and ``resume`` also know a way without."""

ACT_HELP = (
    ("pause", "pause now where the instrument can, or at the end of the step (--at-step-end)"),
    ("skip", "end the present step and go to the next; refused where the instrument cannot confirm it"),
    ("note", "write a note to a run"),
    ("revise", "change the steps that have not begun; taken over at the next segment boundary"),
    ("add-cycles", "add cycles to the last loop"),
    ("take-up", "follow a run again that was left or held; starts nothing"),
    ("spectrum", "take an impedance spectrum when the present device test is over, then go on"),
)
PAUSED = "paused"


def add_act_arguments(verbs: dict[str, argparse.ArgumentParser], run_help: str) -> None:
    """Declare the options of the acts."""
    for name in ACTS:
        verbs[name].add_argument("run_id", metavar="RUN", help=run_help)
        if name == "note":
            add_by(verbs[name])
        else:
            add_acting(verbs[name], needed=name in ("revise", "skip"))
    verbs["pause"].add_argument("--at-step-end", action="store_true", help="finish the step first")
    verbs["note"].add_argument("text", metavar="TEXT")
    verbs["revise"].add_argument(
        "protocol", metavar="PROTOCOL", help="the changed protocol: a file, or a name"
    )
    verbs["revise"].add_argument("--set", dest="variables", action="append", default=[], metavar="NAME=VALUE")
    verbs["add-cycles"].add_argument("cycles", type=int, metavar="N")
    add = verbs["spectrum"].add_argument
    add("--from", dest="from_Hz", required=True, type=frequency, metavar="F", help="first: '200 kHz'")
    add("--to", dest="to_Hz", required=True, type=frequency, metavar="F", help="last: '100 mHz'")
    add("--points-per-decade", type=int, default=10, metavar="N", help="default: 10")
    add(
        "--amplitude", type=amplitude, default=AMPLITUDE, metavar="X",
        help="RMS of a voltage or of a current; default: '10 mV'",
    )  # fmt: skip
    add("--on", default="", metavar="NAME", help="the potentiostat (default: the first that takes the cell)")


def act(args: argparse.Namespace) -> int:
    """Do one act and tell what the station said."""
    with station_client(args) as station:
        run_id = run_at(station, args.run_id)
        if args.what == "take-up":
            problems = station.runs.take_up(run_id, reason=args.reason)
            told = problems or (f"{run_id} is followed again.",)
            return tell(
                args,
                {"run_id": run_id, "problems": problems},
                *told,
                code=EXIT_FAILED if problems else EXIT_OK,
            )
        if args.what in ("revise", "add-cycles"):
            revision = _revised(args, station, run_id)
            text = f"revision {revision}: taken over at the next boundary between segments"
            return tell(args, {"run_id": run_id, "revision": revision, "text": text}, f"{run_id}: {text}")
        text = _done(args, station, run_id)
    return tell(args, {"run_id": run_id, "text": text}, f"{run_id}: {text}")


def _done(args: argparse.Namespace, station: Station, run_id: str) -> str:
    runs = station.runs
    if args.what == "note":
        return runs.note(run_id, args.text)
    if args.what == "spectrum":
        size, unit = args.amplitude
        return runs.take_spectrum(
            run_id, args.from_Hz, args.to_Hz, points_per_decade=args.points_per_decade, on=args.on, reason=args.reason,
            **({"amplitude_rms_A": size} if unit == "A" else {"amplitude_rms_V": size}),
        )  # fmt: skip
    if args.what == "skip":
        return runs.skip(run_id, reason=args.reason)
    if args.at_step_end:
        return runs.pause_at_step_end(run_id, reason=args.reason)
    return runs.pause(run_id, reason=args.reason)


def _revised(args: argparse.Namespace, station: Station, run_id: str) -> int:
    from labctl.protocol.library import find_protocol

    if args.what == "add-cycles":
        return station.runs.add_cycles(run_id, args.cycles, reason=args.reason)
    text = find_protocol(args.protocol).read_text(encoding="utf-8")
    variables = words_of(args.variables, "--set")
    return station.runs.revise(run_id, text, reason=args.reason, variables=variables)


def stop(args: argparse.Namespace) -> int:
    """Stop a run's test through the station that drives it."""
    with station_client(args) as station:
        run_id = run_at(station, args.run_id)
        done = station.runs.stop(run_id, reason=args.reason)
    lines = [f"{run_id}: {done.text}"]
    if not done.confirmed:
        lines.append("Look at the channel, and switch it off at the instrument if in doubt.")
    return tell(args, done, *lines, code=EXIT_OK if done.confirmed else EXIT_FAILED)


def resume(args: argparse.Namespace) -> int:
    """Go on with paused runs, take up those that were left; starts a station where none serves."""
    with station_client(args, start=True) as station:
        summaries = {str(at.run_id): at for at in station.runs.list()}
        chosen = [run_at(station, word) for word in args.run_ids] or [
            name for name, at in summaries.items() if at.state != "ended"
        ]
        told = {run_id: _resumed(station, summaries[run_id], args.reason) for run_id in chosen}
    lines = [f"{run_id}: {text}" for run_id, (_, text) in told.items()] or ["No run is left to go on with."]
    code = EXIT_OK if all(fine for fine, _ in told.values()) else EXIT_FAILED
    return tell(
        args,
        [{"run_id": name, "ok": fine, "text": text} for name, (fine, text) in told.items()],
        *lines,
        code=code,
    )


def _resumed(station: Station, at: RunSummary, reason: str) -> tuple[bool, str]:
    """Do what brings a run on; returns whether it goes on, and a sentence."""
    if at.state == "ended":
        return True, f"has ended already ({at.outcome})"
    if at.phase == PAUSED:
        return True, station.runs.resume(at.run_id, reason=reason)
    if at.phase:
        return True, f"goes on already: {at.phase}"
    problems = station.runs.take_up(at.run_id, reason=reason)
    return not problems, "; ".join(problems) or "is followed again"


def list_runs(args: argparse.Namespace) -> int:
    """List the runs as the station knows them: live values and finish times too."""
    with station_client(args) as station:
        found = station.runs.list(state=args.state or "", cell=args.cell or "")
    if args.json:
        return tell(args, found)
    rows = [
        (at.run_id, at.cell_id, at.channel, at.protocol, at.phase or at.state, at.outcome,
         f"{at.cycle}/{at.cycles}" if at.cycles else "", number(at.voltage_V), ends_text(at.ends))
        for at in found
    ]  # fmt: skip
    headers = ("run", "cell", "channel", "protocol", "state", "outcome", "cycle", "V", "ends (UTC)")
    print_table("", headers, rows, right=(6, 7))
    return EXIT_OK


def run_at(station: Station, word: str) -> str:
    """Return the id of the run that a person means: its id, a part of it that fits one run, or ``last``.

    Raises: UserInputError when none or several fit.
    """
    runs = station.runs.list()
    ids = [str(at.run_id) for at in runs]
    if word in ids:
        return word
    if word == "last" and ids:
        return str(max(runs, key=lambda at: (at.started_utc, at.run_id)).run_id)
    fitting = [name for name in ids if word and word in name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UserInputError(
            f"'{word}' fits {len(fitting)} runs: {', '.join(fitting[:8])}. Name one of them."
        )
    raise UserInputError(f"there is no run '{word}'. 'labctl runs list' shows the runs there are.")
