"""Run inside the peer's environment: read our JSON with aurora-unicycler, print what it makes of it."""

from __future__ import annotations

import json
import sys

from aurora_unicycler import CyclingProtocol

protocol = CyclingProtocol.from_dict(json.load(sys.stdin))
json.dump({"document": protocol.to_dict(), "strings": protocol.to_pybamm_experiment()}, sys.stdout)
