"""``labctl gui``: the operator's window, a client of the station; starts one when none runs, and never ends it."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.api.client.aio.station import AsyncStation
    from labctl.gui.app import Plan

HELP = "Open the operator's window on the station of this computer, on one elsewhere, or on a virtual bench (--demo)."

PACKAGES = ("PySide6", "pyqtgraph", "superqt", "qtawesome")
DEMO_SPEED = "600"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--demo",
        action="store_true",
        help="start a virtual bench with a campaign of sixteen cells, and watch it",
    )
    parser.add_argument(
        "--speed",
        default=None,
        metavar="N|max",
        help=f"with --demo: plant seconds a second (default: {DEMO_SPEED}); it can be changed in the window",
    )
    parser.add_argument("--url", metavar="URL", help="a station elsewhere; its token is in LABCTL_TOKEN")
    parser.add_argument("--settings", metavar="FILE", help="keep theme, language and layouts in this file")


def run(args: argparse.Namespace) -> int:
    """Show the window until it is closed."""
    _check(args)
    if args.demo:
        from labctl.cli.guidemo import demo_plan

        plan = demo_plan(args.data, args.speed or DEMO_SPEED)
    else:
        plan = _plan(args)
    from labctl.gui.app import show

    return show(plan, Path(args.settings) if args.settings else None)


def _check(args: argparse.Namespace) -> None:
    if args.speed is not None and not args.demo:
        raise UserInputError("--speed goes with --demo: the time of a real bench has one speed.")
    if args.demo and (args.url or args.station):
        raise UserInputError("--demo brings its own bench and station; leave --url and --station out.")
    if args.speed not in (None, "max") and not _is_speed(args.speed):
        raise UserInputError(f"--speed is 'max' or a number above 0, not '{args.speed}'.")
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserInputError(
            f"the window needs {', '.join(missing)}. Install it with: pip install 'labctl[gui]'"
        )


def _is_speed(text: str) -> bool:
    try:
        return 0.0 < float(text) <= 1e7
    except ValueError:
        return False


def _plan(args: argparse.Namespace) -> Plan:
    from labctl.gui.app import Plan

    async def connect(start: bool) -> AsyncStation:
        from labctl.api.client.aio.connecting import connect_async

        return await connect_async(args.station, args.data, args.url, start=start, person=user_name())

    return Plan(connect)


def user_name() -> str:
    """Return who sits before this computer, for the journal; empty where the system does not say."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
