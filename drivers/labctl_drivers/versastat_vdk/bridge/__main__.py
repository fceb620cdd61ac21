"""``python -m labctl_drivers.versastat_vdk.bridge``: run the bridge beside the instrument."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import LabctlError, UserFileError, UserInputError
from labctl_drivers.versastat_vdk.bridge.connection import LOOPBACK, Door
from labctl_drivers.versastat_vdk.bridge.library import USUAL_FOLDER, Library, load_instrument
from labctl_drivers.versastat_vdk.bridge.server import listening
from labctl_drivers.versastat_vdk.bridge.service import NAME, Service
from labctl_drivers.versastat_vdk.options import PORT

log = logging.getLogger(__name__)

ENDING_SIGNALS = ("SIGTERM", "SIGBREAK")
"""Beside Ctrl-C, which the clock hears: a service manager's word, and Ctrl-Break on Windows."""

TOKEN_MIN = 16
"""Characters of a token; shorter ones can be guessed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bridge until Ctrl-C; return the exit code."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        door = door_of(arguments.listen, arguments.token_file, arguments.peers)
        host, port = place_of(arguments.listen)
        library = Library(load_instrument(arguments.library))
        run_with_clock(ClockSpec(), lambda clock: serve(clock, library, door, host, port))
    except (LabctlError, OSError) as error:
        log.error("%s", error)
        return 2
    except KeyboardInterrupt:
        log.info("ended by the keyboard")
    return 0


async def serve(clock: Clock, library: Library, door: Door, host: str, port: int) -> None:
    """Serve until cancelled or told to end by a signal; the experiment is stopped and the cell switched off then."""
    service, ended = Service(library, clock), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ENDING_SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: loop.call_soon_threadsafe(ended.set))
    async with listening(service, door, host, port) as bound:
        log.info("%s listens on %s port %d", NAME, host, bound)
        await service.serve(ended)


def place_of(listen: str) -> tuple[str, int]:
    """Return host and port of ``host``, ``host:port`` or ``[v6]:port``. Raises: UserInputError."""
    host, colon, port = (
        listen.rpartition(":") if listen.count(":") == 1 or "]:" in listen else (listen, "", "")
    )
    if colon and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise UserInputError(f"--listen must be an address or address:port, not {listen!r}.")
    return host.strip("[]"), int(port) if colon else PORT


def door_of(listen: str, token_file: Path | None, peers: str) -> Door:
    """Return who is let in. Raises: UserInputError for a bridge that the network could use without a token."""
    host, _ = place_of(listen)
    allowed = frozenset(one.strip() for one in peers.split(",") if one.strip())
    if token_file is None:
        if host not in (*LOOPBACK, "localhost"):
            raise UserInputError(
                f"The bridge can switch cells on: on {host} it needs --token-file, a file with a secret of at least "
                f"{TOKEN_MIN} characters, and --peers, the addresses of the computers that may call."
            )
        return Door()
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserFileError(f"the token cannot be read: {error}", path=token_file) from error
    if len(token) < TOKEN_MIN or not token.isascii() or not token.isprintable() or " " in token:
        raise UserFileError(
            "this holds no token",
            path=token_file,
            fix=f"It must be one line of at least {TOKEN_MIN} letters and digits.",
        )
    return Door(token, allowed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}",
        description="Offers a VersaSTAT or PARSTAT on this Windows computer to labctl, by the vendor's own library.",
    )
    parser.add_argument(
        "--listen",
        default=f"127.0.0.1:{PORT}",
        help=f"address:port (default 127.0.0.1:{PORT}, this computer alone)",
    )
    parser.add_argument("--token-file", type=Path, help="file with the secret that callers must know")
    parser.add_argument("--peers", default="", help="addresses that may call, with commas between")
    parser.add_argument("--library", type=Path, default=USUAL_FOLDER, help="folder of VersaSTATControl.dll")
    return parser


if __name__ == "__main__":
    sys.exit(main())
