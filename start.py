"""Set labctl up and run it, with nothing but Python >= 3.11: ``python3 start.py demo`` or ``python3 start.py
test``.

Standard library only. Makes the environment ``.venv`` beside this file, installs the exact versions of
``constraints.txt`` and, on Debian, the system packages that it finds missing (or says which to install). A
second call
starts at once: a stamp in ``.venv`` remembers what was installed.

    demo  [options]   the main job: the reference study on a virtual bench (labctl demo)
    test  [options]   the default tests; options go to pytest, --all runs every tier
    check             ruff, mypy and the import contracts
    run   VERB ...    any labctl verb in the environment: run gui --demo opens the operator's window
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = Path(os.environ.get("LABCTL_VENV", ROOT / ".venv"))
WINDOWS = os.name == "nt"
BIN = ENVIRONMENT / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
STAMP = ENVIRONMENT / "labctl-installed.txt"

# What Qt's wheels expect of a Linux desktop: library, and the Debian package that has it.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}


def main(words: list[str]) -> int:
    """Prepare the environment, then do what was asked; returns the exit code."""
    if sys.version_info < (3, 11):
        return _refuse(f"labctl needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if words else 2
    act, rest = words[0], words[1:]
    acts = {"demo": _demo, "test": _test, "check": _check, "run": _labctl}
    if act not in acts:
        return _refuse(f"there is no '{act}'; choose one of {', '.join(acts)}.")
    if not _prepared():
        return 1
    if (act == "test" or rest[:1] == ["gui"]) and not _qt_ready(screen="--all" in rest):
        return 1
    return acts[act](rest)


def _demo(rest: list[str]) -> int:
    return _labctl(["demo", *rest])


def _labctl(rest: list[str]) -> int:
    return _call([str(PYTHON), "-m", "labctl", *rest])


def _test(rest: list[str]) -> int:
    pytest = [str(PYTHON), "-m", "pytest", "-n", "auto"]
    if "--all" not in rest:
        return _call([*pytest, *rest], cwd=ROOT)
    others = [word for word in rest if word != "--all"]
    # by file: most slow tests wait for a bench in a process of its own
    slow = [*pytest, "--dist", "loadfile", "-m", "slow and not peers"]
    peers = [str(PYTHON), "-m", "pytest", "-m", "peers"]
    tiers = ([*pytest, "-m", "not slow and not peers"], slow, peers)
    codes = [_call([*tier, *others], cwd=ROOT) for tier in tiers]
    return max(codes)


def _check(rest: list[str]) -> int:
    commands = (
        [str(PYTHON), "-m", "ruff", "check", "."],
        [str(PYTHON), "-m", "ruff", "format", "--check", "."],
        [str(PYTHON), "-m", "mypy"],
        [str(BIN / "lint-imports")],
    )
    return max(_call([*command, *rest], cwd=ROOT) for command in commands)


def _call(command: list[str], cwd: Path | None = None) -> int:
    """Run a command in the foreground; Ctrl-C belongs to it, so we only wait for its answer."""
    process = subprocess.Popen(command, cwd=cwd)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _prepared() -> bool:
    wanted = _wanted()
    if STAMP.is_file() and PYTHON.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
        return True
    if not PYTHON.is_file() and not _environment_made():
        return False
    print(f"installing labctl and its pinned dependencies into {ENVIRONMENT} ...", flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    constraints = str(ROOT / "constraints.txt")
    if _call([*pip, "-c", constraints, "-e", f"{ROOT}[dev]"]) != 0:
        _refuse("the installation failed; the lines above say why. Run the same command again to retry.")
        return False
    STAMP.write_text(wanted, encoding="utf-8")
    return True


def _wanted() -> str:
    """Return what must be installed: a hash of the requirements and the place of this checkout."""
    text = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return f"{hashlib.sha256(text).hexdigest()} {ROOT} {sys.version.split()[0]}\n"


def _environment_made() -> bool:
    if not _has_venv() and not _debian_installed([_venv_package()]):
        return False
    print(f"making the environment {ENVIRONMENT} ...", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", str(ENVIRONMENT)]) == 0:
        return True
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _refuse(f"could not make {ENVIRONMENT}; see the lines above.")
    return False


def _has_venv() -> bool:
    """Say whether a complete venv can be made; Debian ships Python without ensurepip."""
    test = "import venv, ensurepip"
    return subprocess.call([sys.executable, "-c", test], stderr=subprocess.DEVNULL) == 0


def _qt_ready(screen: bool) -> bool:
    """Say whether Qt finds what it needs of the system; ``screen``: also one in memory, for tests of real windows."""
    if not sys.platform.startswith("linux"):
        return True
    missing = [package for library, package in QT_LIBRARIES.items() if not _loads(library)]
    if screen and shutil.which("xvfb-run") is None:
        missing += ["xvfb", "xauth"]
    return not missing or _debian_installed(missing)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _venv_package() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def _debian_installed(packages: list[str]) -> bool:
    """Install system packages on Debian as root or by password-less sudo, else say exactly which are
    missing.
    """
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if WINDOWS or shutil.which("apt-get") is None:
        _refuse(f"something of the system is missing; install what it calls {' '.join(packages)}.")
        return False
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and shutil.which("sudo") is None:
        prefix = ["false"]
    print(f"installing missing system packages: {' '.join(packages)} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update", "-q"], command):
        if subprocess.call([*prefix, *words], env=environment, stdout=subprocess.DEVNULL) != 0:
            _refuse(f"please run, as root: {' '.join(command)}   and then the same command again.")
            return False
    return True


def _refuse(text: str) -> int:
    print(f"start.py: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
