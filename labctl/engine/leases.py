"""The leases of everything that a station drives: taken when it is opened, given back when the station closes (I07)."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from labctl.engine.gate import Gate
from labctl.engine.lease import Lease
from labctl.errors import StoreError

MEMORY = "mem://"
"""Links inside this process: nobody else can reach what is behind them."""


class Leases(ExitStack):
    """Takes leases for one station, named ``holder``; gives them back at its end."""

    def __init__(self, gate: Gate, holder: str, folder: Path | None) -> None:
        super().__init__()
        self._gate = gate
        self._holder = holder
        self._folder = folder

    def claim(self, *devices: tuple[str, str]) -> str:
        """Take the leases of some (name, resource) that are not ours yet; return why one is refused, else nothing."""
        for name, resource in devices:
            if self._gate.owns(name) or (resource.startswith(MEMORY) and self._folder is None):
                continue
            try:
                lease = Lease(resource, holder=self._holder, folder=self._folder)
            except StoreError as error:
                return str(error)
            self.callback(lease.release)
            self._gate.own(name, lease)
        return ""
