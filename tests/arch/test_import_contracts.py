"""The import contracts hold, and each of them can fail: a planted violation is found and named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("labctl", "drivers/labctl_drivers", "simulators/labctl_simulators", "protocols/labctl_protocols")

# contract name -> (file that gets the import, the forbidden line)
PLANTS = {
    "the core knows no sibling package": ("labctl/model/ids.py", "import labctl_protocols"),
    "sibling packages do not know each other": (
        "drivers/labctl_drivers/planted.py", "import labctl_simulators",
    ),
    "layers of the core, every module placed": ("labctl/store/planted.py", "import labctl.engine"),
    "the model imports nothing of ours": ("labctl/model/cell.py", "import labctl.errors"),
    "simulators know units and errors alone, and no library of the drivers": (
        "simulators/labctl_simulators/world/planted.py", "import labctl.model.record",
    ),
    "drivers know interfaces, transports, model, clock, worker and errors only": (
        "drivers/labctl_drivers/planted.py", "import labctl.store",
    ),
    "driver families do not know each other": (
        "drivers/labctl_drivers/neware/planted.py", "import labctl_drivers.chamber",
    ),
    "codecs, sessions and engine machines do no input or output and know no time": (
        "labctl/engine/machines/planted.py", "import asyncio",
    ),
    "no Qt outside the GUI": ("labctl/analysis/planted.py", "import PySide6.QtCore"),
    "view-models are plain Python": (
        "labctl/gui/viewmodels/planted.py", "import labctl.api.messages",
    ),
    "the window reaches the station by its client alone": (
        "labctl/gui/planted.py", "import labctl.store.planted",
    ),
}  # fmt: skip


def lint(tree: Path) -> str:
    program = Path(sys.executable).parent / ("lint-imports.exe" if os.name == "nt" else "lint-imports")
    folders = [str(tree / Path(package).parent) for package in PACKAGES]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    command = [str(program), "--config", str(tree / "pyproject.toml"), "--no-cache", "--no-logo"]
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    ).stdout


def copy_of_the_house(target: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target / "pyproject.toml")
    return target


def outcome(report: str, contract: str) -> str:
    found = re.search(
        rf"^{re.escape(contract)} +(KEPT|BROKEN)", re.sub(r"\s*\n\s*(?=\S+ (KEPT|BROKEN))", " ", report), re.M
    )
    return found.group(1) if found else f"not reported in:\n{report}"


def test_every_contract_is_kept_by_the_house_as_it_stands(tmp_path: Path) -> None:
    report = lint(copy_of_the_house(tmp_path))
    assert {name: outcome(report, name) for name in PLANTS} == dict.fromkeys(PLANTS, "KEPT")


def test_every_contract_finds_the_violation_planted_for_it(tmp_path: Path) -> None:
    tree = copy_of_the_house(tmp_path)
    for file, line in PLANTS.values():
        path = tree / file
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    report = lint(tree)
    assert {name: outcome(report, name) for name in PLANTS} == dict.fromkeys(PLANTS, "BROKEN")
    for file, line in PLANTS.values():
        module = Path(file).stem
        imported = line.removeprefix("import ").split(".")[0]
        assert re.search(rf"{module}\b.* -> {imported}", report), (
            f"the report does not name {line!r} in {file}"
        )


def test_a_module_that_nobody_placed_breaks_the_layers(tmp_path: Path) -> None:
    tree = copy_of_the_house(tmp_path)
    (tree / "labctl" / "nowhere.py").write_text('"""A room on no floor."""\n', encoding="utf-8")
    assert "nowhere" in lint(tree)
