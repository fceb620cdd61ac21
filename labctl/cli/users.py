"""``labctl users``: people and services with a token, and their roles."""

from __future__ import annotations

import argparse

from labctl.cli.app import add_subverbs
from labctl.cli.atstation import add_acting, add_by, dash, station_client, tell
from labctl.cli.output import print_table, say

HELP = "Give people and services tokens with a role, list them, take a token away."

ROLES = ("view", "operate", "configure", "admin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "everyone with a token"),
            ("add", "give a person or service a token; it is printed this once"),
            ("revoke", "make a token worthless"),
        ),
    )
    for name in ("add", "revoke"):
        verbs[name].add_argument("name", metavar="NAME")
    verbs["add"].add_argument(
        "--role", choices=ROLES, required=True, help="each may also do what stands before it"
    )
    verbs["add"].add_argument(
        "--expires", default="", metavar="UTC", help="ISO 8601, for example 2027-01-31T00:00Z"
    )
    verbs["add"].add_argument("--service", action="store_true", help="a program, not a person")
    add_by(verbs["add"])
    add_acting(verbs["revoke"])


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    with station_client(args) as station:
        if args.what == "add":
            made = station.people.add(args.name, args.role, expires_utc=args.expires, service=args.service)
            code = tell(args, made, made.token)
            if not args.json:
                say(f"{made.person.name} may {made.person.role.value}. The token is not kept and not shown again; "
                    "programs take it from LABCTL_TOKEN.", stderr=True)  # fmt: skip
            return code
        if args.what == "revoke":
            person = station.people.revoke(args.name, reason=args.reason)
            return tell(args, person, f"{person.name}: the token is worthless now.")
        people = station.people.list()
    if args.json:
        return tell(args, people)
    rows = [
        (person.name, person.role.value, "service" if person.service else "person", person.created_utc[:10],
         dash(person.expires_utc[:16]), "revoked" if person.revoked else "")
        for person in people
    ]  # fmt: skip
    print_table("", ("name", "role", "kind", "since", "expires", "note"), rows)
    return 0
