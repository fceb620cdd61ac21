"""The models that PowerSuite drives, as data.

Their manuals could not be had: 200 mA and 2 A, 10 V, 10 uHz to 1 MHz and the ranges of the later family are our choice
(a public export goes to 2 MHz: ``eis_max_Hz`` of the bench file lifts the limit). Source: potentiostat.md 1.1 and 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping

from labctl_simulators.versastat.models import RANGES_A, Model

_NAMES = tuple(RANGES_A)
MODELS: Mapping[str, Model] = {
    "parstat2263": Model("parstat2263", "PARSTAT 2263", "FRA", _NAMES[1:8]),
    "parstat2273": Model("parstat2273", "PARSTAT 2273", "FRA", _NAMES[:8]),
}
