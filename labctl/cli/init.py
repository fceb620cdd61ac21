"""``labctl init``: write a commented station file where labctl looks for it."""

from __future__ import annotations

import argparse
from pathlib import Path

from labctl.cli.app import EXIT_OK
from labctl.cli.output import emit_json, say
from labctl.errors import UserInputError

HELP = "Write a commented station file: which instruments this bench has, their limits and chambers."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "path", nargs="?", metavar="FILE", help="where to write it (default: the user's config folder)"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a file that exists (the old one is kept as .bak)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the file; an existing one is never lost."""
    from labctl.config.station import default_station_path, default_station_text

    target = Path(args.path or args.station or default_station_path())
    if target.is_dir():
        raise UserInputError(f"{target} is a folder; name a file, for example {target / 'station.yaml'}.")
    if target.exists():
        if not args.force:
            raise UserInputError(
                f"{target} exists. Edit it, or replace it with --force (the old one is kept as .bak)."
            )
        target.replace(_free_name(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(default_station_text(), encoding="utf-8")
    if args.json:
        emit_json({"station": str(target)})
    else:
        say(f"{target} written. Fill in your instruments, then try: labctl doctor --station {target}")
    return EXIT_OK


def _free_name(target: Path) -> Path:
    """Return a name for the old file that no older copy has."""
    names = (target.with_name(f"{target.name}.bak{count or ''}") for count in range(1000))
    return next(name for name in names if not name.exists())
