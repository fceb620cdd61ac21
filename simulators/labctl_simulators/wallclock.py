"""The only place in the simulators that looks at the machine clock: the pace of mode free, link-time delays.

Everything else is told plant time (virtual-time 2). On hardware there is no such module.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def now_s() -> float:
    """Return a monotonic wall time in seconds."""
    return time.monotonic()


def call_later(delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    """Run something after a link-time delay, in the running event loop."""
    return asyncio.get_running_loop().call_later(max(0.0, delay_s), act)
