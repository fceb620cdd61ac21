"""Foresees when a repeat ends whose condition hangs on measured values: they go on as they have gone.

After each pass the measured values of the condition are kept; a robust line through the newest of them says what they
will be after later passes, and the condition is tried on those. The bounds let the values move faster and slower.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from labctl.analysis.forecasting import robust_line
from labctl.engine.machines.ahead import PASSES_TRIED, Ahead
from labctl.protocol.expressions import Expression, evaluate, parse_condition

PASSES_KEPT = 12
PASSES_NEEDED = 3
FASTER, SLOWER = 1.7, 0.5
"""Speeds of change at which the fewest and the most passes are counted."""


@dataclass(slots=True)
class _Repeat:
    condition: Expression
    at_most: int
    done: deque[int] = field(default_factory=lambda: deque(maxlen=PASSES_KEPT))
    values: deque[dict[str, float]] = field(default_factory=lambda: deque(maxlen=PASSES_KEPT))


class Untils:
    """The repeats of one program that measured values end; tells ``Ahead`` how many passes to count."""

    def __init__(self, ahead: Ahead) -> None:
        self._ahead = ahead
        self._repeats = {
            slot: _Repeat(parse_condition(text), at_most)
            for slot, (text, at_most) in ahead.open_repeats().items()
        }

    @property
    def needed(self) -> bool:
        """Tell whether there are any: without, no measured value has to be known."""
        return bool(self._repeats)

    def segment_began(self, before: Sequence[int], after: Sequence[int], values: Mapping[str, float]) -> None:
        """Take note of a new device test: passes of each repeat before and now, and what was measured until then."""
        for slot, repeat in self._repeats.items():
            if after[slot] == before[slot] + 1 and before[slot] >= 1:
                repeat.done.append(before[slot])
                repeat.values.append({name: values.get(name, np.nan) for name in repeat.condition.names})
            elif after[slot] < before[slot]:
                repeat.done.clear()
                repeat.values.clear()
            passes = self._foreseen(repeat)
            if passes is None:
                self._ahead.foreseen.pop(slot, None)
            else:
                self._ahead.foreseen[slot] = passes

    def _foreseen(self, repeat: _Repeat) -> tuple[int, int, int] | None:
        """Return the total passes: fewest, expected, most; ``None`` before enough was seen."""
        if len(repeat.done) < PASSES_NEEDED:
            return None
        lines: dict[str, tuple[float, float]] = {}
        for name in repeat.condition.names - {"pass"}:
            seen = np.asarray([values[name] for values in repeat.values])
            seen = seen[np.isfinite(seen)]
            if len(seen) < PASSES_NEEDED:
                return None
            level, slope, _ = robust_line(seen)
            lines[name] = (level, slope)
        fewest, expected, most = (self._passes(repeat, lines, speed) for speed in (FASTER, 1.0, SLOWER))
        return min(fewest, expected), expected, max(expected, most)

    @staticmethod
    def _passes(repeat: _Repeat, lines: Mapping[str, tuple[float, float]], speed: float) -> int:
        done = repeat.done[-1]
        for ahead in range(1, min(repeat.at_most - done, PASSES_TRIED) + 1):
            values = {name: level + slope * speed * ahead for name, (level, slope) in lines.items()}
            if evaluate(repeat.condition, {**values, "pass": float(done + ahead)}):
                return done + ahead
        return repeat.at_most
