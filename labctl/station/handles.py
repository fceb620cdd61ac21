"""How many files the station may hold open: a run holds about five, and a computer often allows 1,024 in all."""

from __future__ import annotations

import logging
import sys

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)

PER_RUN = 6
"""Handles of a run: live log, journal, events, receipts, ambient readings, and one to spare while a file is sealed."""
BESIDES = 250
"""Handles of everything else: ledgers, links, clients, libraries."""


def raise_limit() -> int | None:
    """Allow this process as many open files as the system lets it; returns how many, None where nothing limits them.

    Windows has no such limit worth a word: its C runtime's does not bind handles that Python opens.
    """
    if sys.platform == "win32":
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return limit()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS refuses more than its kernel's own limit
        log.warning("the limit of %d open files cannot be raised to %d: %s", soft, hard, error)
    return limit()


def limit() -> int | None:
    """Return how many files this process may hold open, None where nothing limits them."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def shortage(channels: int, allowed: int | None) -> str:
    """Say that so many channels may need more open files than are allowed; empty where they do not."""
    needed = BESIDES + PER_RUN * channels
    if allowed is None or needed <= allowed:
        return ""
    return (
        f"{channels} channels may need {needed} open files and this computer allows {allowed}: raise the limit "
        "(systemd: LimitNOFILE=, shell: ulimit -Hn) or runs cannot be stored"
    )
