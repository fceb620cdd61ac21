"""Current ranges and bounds of the 273/273A. Source: potentiostat.md 2.4.1 [273UM]."""

from __future__ import annotations

from labctl_simulators.world.potentiostat import CurrentRange

CURRENT_MAX_A = 1.0
ELECTROMETER_MAX_V = 10.0
OVERLOAD_SHARE = 2.0
LOW_SHARE, HIGH_SHARE = 0.15, 0.95
"""The autoranger keeps the I MONITOR within 15 to 190 % of full scale; a range overloads at 200 %."""
LOWEST, HIGHEST = -7, 0
COUNTS = 1000
"""Counts of a full scale of current."""

LADDER = tuple(
    CurrentRange(code, 10.0**code, 10.0**code if code < HIGHEST else CURRENT_MAX_A / OVERLOAD_SHARE)
    for code in range(LOWEST, HIGHEST + 1)
)
"""The eight ranges, smallest first; on the 1 A range the overload is at 1 A."""
MODELS = ("273", "273A", "273A/92")
