"""The pages "Write a driver in an hour" and "Test your protocol in CI", followed literally, as a newcomer would.

Each file that a page shows is written down as it stands there, and its tests are run by a pytest of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SHOWN = re.compile(r"^\*\*`(?P<name>[^`]+)`\*\*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

STATION_EXAMPLE = "test_my_script.py"
"""The one example that needs a station in processes of its own, and with it some seconds."""


def files_of(page: str, folder: Path) -> list[str]:
    """Write every file that a page shows; returns their names."""
    names = []
    for found in SHOWN.finditer((DOCS / page).read_text(encoding="utf-8")):
        path = folder / found["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found["text"], encoding="utf-8")
        names.append(found["name"])
    return names


def installed(folder: Path) -> None:
    """Make the folder's package known as ``pip install -e .`` would: its entry points lie beside it."""
    about = folder / "labctl_heatbox-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: labctl-heatbox\nVersion: 0.1\n", encoding="utf-8"
    )
    (about / "entry_points.txt").write_text(
        "[labctl.drivers]\nheatbox = labctl_heatbox:create\n", encoding="utf-8"
    )


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a pytest of its own in a folder without settings, in which a warning is a failure."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_the_driver_of_the_hour_passes_its_own_examination(tmp_path: Path) -> None:
    names = files_of("write-a-driver.md", tmp_path)
    assert names == [
        "pyproject.toml", "labctl_heatbox/__init__.py", "labctl_heatbox/codec.py", "labctl_heatbox/driver.py",
        "labctl_heatbox/simulator.py", "tests/test_heatbox.py",
    ]  # fmt: skip
    installed(tmp_path)
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


@pytest.mark.slow
def test_labctl_finds_the_driver_of_the_hour_by_its_entry_point(tmp_path: Path) -> None:
    files_of("write-a-driver.md", tmp_path)
    installed(tmp_path)
    program = "from labctl.engine.station import load_driver; print(load_driver('heatbox').__module__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "labctl_heatbox", done.stderr


@pytest.mark.slow
def test_the_protocol_examples_pass_as_they_stand(tmp_path: Path) -> None:
    assert "soft-start.yaml" in files_of("test-your-protocol.md", tmp_path)
    done = pytest_in(tmp_path, "--ignore", STATION_EXAMPLE)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_station_example_passes_as_it_stands(tmp_path: Path) -> None:
    files_of("test-your-protocol.md", tmp_path)
    done = pytest_in(tmp_path, STATION_EXAMPLE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
