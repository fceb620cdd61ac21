"""``labctl audit``: the journal of acts, and the proof that nobody changed it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.atstation import station_client, tell
from labctl.cli.output import print_table, say

if TYPE_CHECKING:
    from labctl.model.audit import AuditEntry

HELP = "Show who did what, when, from where and why; verify the journal's hash chain."

PAGE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (("show", "the newest entries"), ("verify", "check the chain from the first entry to the last")),
    )
    verbs["show"].add_argument("--after", type=int, metavar="N", help="entries behind number N instead")
    verbs["show"].add_argument(
        "--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)"
    )
    verbs["show"].add_argument("--who", default="", metavar="NAME", help="only what this person did")


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    with station_client(args) as station:
        if args.what == "verify":
            found = station.audit.verify()
            words = "whole" if found.ok else "CHANGED"
            lines = [
                f"{found.entries} entries, {words}; head {found.head}",
                *(f"    {text}" for text in found.findings),
            ]
            return tell(args, found, *lines, code=EXIT_OK if found.ok else EXIT_FAILED)
        page = station.audit.page(args.after or 0, args.limit, newest=args.after is None)
    entries = [entry for entry in page.entries if args.who in ("", entry.who)]
    if args.json:
        return tell(args, {"entries": entries, "head": page.head})
    print_table(
        "", ("n", "when (UTC)", "who", "role", "act", "on", "why", "from"), [_row(entry) for entry in entries]
    )
    say(f"head of the chain: {page.head}")
    return EXIT_OK


def _row(entry: AuditEntry) -> tuple[str, ...]:
    return (
        str(entry.number), entry.utc[:19].replace("T", " "), entry.who, entry.role, entry.act, entry.subject,
        entry.reason, entry.source,
    )  # fmt: skip
