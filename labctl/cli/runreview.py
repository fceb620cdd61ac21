"""What ``labctl run`` shows before anything is sent: the program in sentences and absolute numbers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_OK
from labctl.cli.output import emit_json, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.model.program import Program


def dry_run(program: Program, args: argparse.Namespace) -> int:
    """Show the review alone; nothing is sent and nothing is stored."""
    from dataclasses import asdict

    from labctl.protocol.sentences import sentences

    if args.json:
        emit_json({"protocol": program.protocol_name, "cell": program.cell.cell_id, "channel": program.channel,
                   "sentences": sentences(program), "warnings": list(program.warnings),
                   "estimate": asdict(program.estimate)})  # fmt: skip
    else:
        review(program, quiet=False)
        say("Dry run: nothing was sent.")
    return EXIT_OK


def overrides_of(args: argparse.Namespace) -> dict[str, str]:
    """Return the start checks that are passed over, with the reasons. Raises: UserInputError without a reason."""
    found: dict[str, str] = {}
    for word in args.override:
        check, equals, reason = word.partition("=")
        if not equals or not reason.strip():
            raise UserInputError(f"--override {word} needs a reason: CHECK=REASON.")
        found[check.strip()] = reason.strip()
    return found


def review(program: Program, *, quiet: bool) -> None:
    """Show what is about to be done, in sentences and absolute numbers."""
    from labctl.cli.progress import duration
    from labctl.protocol.sentences import sentences

    if quiet:
        for text in program.warnings:
            say(f"warning: {text}", stderr=True)
        return
    say(f"{program.protocol_name} on {program.cell.cell_id} ({program.cell.name}) in {program.channel}")
    for line in sentences(program):
        say(f"    {line}")
    for text in program.warnings:
        say(f"warning: {text}")
    need = program.estimate
    say(f"about {duration(need.duration_expected_s)}, {need.cycles} cycles, {need.rows:,} rows")
