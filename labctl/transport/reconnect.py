"""Coming back after a lost link: wait 1, 2, 4 ... 60 s of link time between the tries.

The waiting is a pure machine; ``reconnect`` is the thin shell round it. Source: safety-and-faults, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from labctl.clock import Clock
from labctl.errors import LinkError
from labctl.transport.base import OPEN_TIMEOUT_S, Transport

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class BackOff:
    """How many tries have failed in a row, and how long to wait before the next one."""

    failures: int = 0

    @property
    def wait_s(self) -> float:
        """Return 0 before the first try, then 1, 2, 4 ... 60 s."""
        if self.failures == 0:
            return 0.0
        # 2**6 s is already above the longest wait: no overflow after months of silence
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self.failures - 1, 6))

    def failed(self) -> BackOff:
        """Return the state after one more failure."""
        return replace(self, failures=self.failures + 1)

    def succeeded(self) -> BackOff:
        """Return the state after a try that worked."""
        return BackOff()


async def reconnect(
    transport: Transport,
    clock: Clock,
    *,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    tries_max: int | None = None,
    on_failure: Callable[[LinkError, BackOff], None] | None = None,
) -> int:
    """Open the pipe, however long it takes, and return how many tries failed before.

    ``on_failure`` hears of each failed try. Raises: the last LinkError after ``tries_max`` tries.
    """
    state = BackOff()
    while True:
        await clock.link.sleep(state.wait_s)
        try:
            await transport.open(open_timeout_s)
        except LinkError as error:
            state = state.failed()
            if on_failure is not None:
                on_failure(error, state)
            if tries_max is not None and state.failures >= tries_max:
                raise
        else:
            return state.failures
