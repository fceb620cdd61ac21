"""Environments of their own for other people's packages: test oracles and benchmark peers, never linked into labctl.

An environment is made once per requirements file and Python version and kept in the user's cache folder
(``LABCTL_PEER_ENVS`` names another place); its folder name holds the hash of the requirements, so a changed pin makes a
new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from platformdirs import user_cache_path

from labctl.errors import UserInputError

INSTALL_TIMEOUT_S = 900
"""A peer with its dependencies installs in a minute or two; a hang must not eat a whole CI run."""


def peer_python(requirements: Path) -> Path:
    """Return the interpreter of an environment with these pinned requirements, made if it is not there yet.

    Raises: UserInputError with the installer's last lines when the packages cannot be installed.
    """
    pins = requirements.read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"{requirements.stem}-py{version}-{hashlib.sha256(pins).hexdigest()[:12]}"
    home = Path(os.environ.get("LABCTL_PEER_ENVS") or user_cache_path("labctl") / "peers")
    folder = home / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "complete").is_file():
        _make(folder, python, requirements)
    return python


def _make(folder: Path, python: Path, requirements: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    venv.create(folder, with_pip=True)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(requirements),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    if done.returncode != 0:
        tail = " ".join(done.stderr.strip().splitlines()[-3:])
        raise UserInputError(f"the peer environment of {requirements.name} could not be installed: {tail}")
    (folder / "complete").write_text(requirements.name, encoding="utf-8")
