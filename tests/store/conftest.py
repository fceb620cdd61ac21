"""What the store's tests share: a data root on a simulated disk, small records files, a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.store import names
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk

ROOT = Path("/bench/data").absolute()


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> int:
    """Cut records files at 64 rows, so that a short script seals several."""
    monkeypatch.setattr(names, "ROWS_PER_FILE", 64)
    return 64


@pytest.fixture
def disk() -> SimulatedDisk:
    return SimulatedDisk(seed=1)


@pytest.fixture
def root(disk: SimulatedDisk) -> DataRoot:
    return DataRoot(ROOT, disk=disk)


@pytest.fixture
def real_root(tmp_path: Path) -> Iterator[DataRoot]:
    with DataRoot(tmp_path / "data") as opened:
        yield opened.lock("test")
