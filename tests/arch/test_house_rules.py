"""Rules of the house that a reader would otherwise have to remember: units, clocks, sizes, banned calls,
portability.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("labctl", "drivers/labctl_drivers", "simulators/labctl_simulators", "protocols/labctl_protocols")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

LINES_PER_FILE = 500
LINES_PER_FUNCTION = 70

# Old offenders; these lists may only shrink.
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()

UNIT = re.compile(
    r"_(s|ms|us|h|min|V|mV|uV|A|mA|uA|nA|Ah|mAh|Wh|mWh|W|mW|ohm|mohm|ohm_cm2|Hz|kHz|MHz|degC|K|Pa|cm2|mm|nm|mg|g"
    r"|mA_per_cm2|mAh_per_cm2|mA_per_g|mAh_per_g|A_per_g|K_per_min|mV_per_s|V_per_s|sccm|rpm)$"
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# --- units
# ---------------------------------------------------------------------------------------------------------


def unit_of(node: ast.AST) -> str | None:
    """Return the unit in the name of a plain variable, attribute or index by such a name; None where there
    is none.
    """
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
    found = UNIT.search(name) if name and not name.isupper() else None
    return found.group(1) if found else None


def unit_clashes(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        pairs: list[tuple[str | None, str | None]] = []
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            pairs.append((unit_of(node.targets[0]), unit_of(node.value)))
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs.append((unit_of(node.target), unit_of(node.value)))
        elif isinstance(node, ast.keyword) and node.arg:
            pairs.append((unit_of(ast.Name(node.arg)), unit_of(node.value)))
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs += [(unit_of(a), unit_of(b)) for a, b in pairwise(sides)]
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.Add, ast.Sub)):
            left, right = (
                (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
            )
            pairs.append((unit_of(left), unit_of(right)))
        for one, other in pairs:
            if one and other and one != other:
                yield (
                    getattr(node, "lineno", getattr(getattr(node, "value", None), "lineno", 0)),
                    f"{one} meets {other}",
                )


@pytest.mark.parametrize(
    "slip",
    [
        "x_mA = y_A",
        "f(time_s=t_ms)",
        "ok = u_mV > limit_V",
        "total_s += wait_ms",
        "e_V = a_V - b_mV",
        "a.i_A = b.i_mA",
    ],
)
def test_the_unit_check_catches_a_planted_slip(slip: str) -> None:
    assert list(unit_clashes(ast.parse(slip)))


def test_no_name_with_a_unit_is_assigned_compared_or_added_to_one_with_another() -> None:
    found = [f"{relative(path)}:{line} {text}" for path in SOURCES for line, text in unit_clashes(tree(path))]
    assert found == []


# --- time, banned calls
# ------------------------------------------------------------------------------------------------

CLOCKS = {"labctl/clock.py", "simulators/labctl_simulators/wallclock.py"}
TIME_CALLS = {
    "time.time", "time.monotonic", "time.perf_counter", "time.sleep", "time.time_ns",
    "time.monotonic_ns",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "asyncio.sleep",
    "loop.time", "asyncio.timeout",
    "asyncio.wait_for",
}  # fmt: skip
BANNED_CALLS = {
    "eval", "exec", "pickle.loads", "pickle.load", "marshal.loads", "asyncio.create_task",
    "asyncio.ensure_future", "os.system", "print",
}  # fmt: skip


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)


def last_two(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def test_nobody_reads_or_waits_on_a_clock_outside_the_clock() -> None:
    # The simulators' socket shell may bound link waits (asyncio.wait_for): link time there is wall time by
    # contract.
    shells = CLOCKS | {"labctl/adminlink.py", "simulators/labctl_simulators/server.py"}
    found = [
        f"{relative(path)}:{line} {name}"
        for path in SOURCES
        if relative(path) not in shells
        for line, name in calls(path)
        if last_two(name) in TIME_CALLS
    ]
    assert found == []


def test_no_banned_call_stands_in_the_product() -> None:
    found = [
        f"{relative(path)}:{line} {name}"
        for path in SOURCES
        for line, name in calls(path)
        if name in BANNED_CALLS
    ]
    assert found == []


def test_no_shell_is_started_and_no_exception_is_swallowed() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.keyword) and node.arg == "shell" and getattr(node.value, "value", False):
                found.append(f"{relative(path)} shell=True")
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or dotted(node.type) in ("Exception", "BaseException")
                if broad and all(isinstance(part, (ast.Pass, ast.Continue)) for part in node.body):
                    found.append(f"{relative(path)}:{node.lineno} swallows every exception")
    assert found == []


# --- portability
# -------------------------------------------------------------------------------------------------------

POSIX_ONLY = {
    "os.fork", "os.geteuid", "os.getuid", "os.fdatasync", "os.openpty", "os.posix_fallocate",
    "os.mkfifo", "os.setsid", "os.killpg", "os.getpgid", "os.sync", "os.ttyname", "os.fchmod",
    "os.chown", "os.statvfs", "os.nice", "os.pread", "os.pwrite", "signal.SIGKILL", "signal.SIGHUP",
    "signal.SIGUSR1", "signal.SIGALRM", "loop.add_signal_handler", "tty.setraw", "fcntl.flock",
    "fcntl.lockf", "os.O_NONBLOCK", "socket.AF_UNIX", "os.register_at_fork",
}  # fmt: skip
POSIX_MODULES = {"fcntl", "termios", "pty", "tty", "resource", "pwd", "grp"}
GUARD = re.compile(
    r"os\.name|sys\.platform|WINDOWS|hasattr\(|getattr\(|ImportError|AttributeError|NotImplementedError"
)


def posix_only_without_branch(text: str) -> list[tuple[int, str]]:
    """List POSIX-only calls and imports that no enclosing if/try mentions a platform check for."""
    module = ast.parse(text)
    parents = {child: node for node in ast.walk(module) for child in ast.iter_child_nodes(node)}

    def guarded(node: ast.AST) -> bool:
        while node in parents:
            above = parents[node]
            if isinstance(above, (ast.If, ast.IfExp)) and GUARD.search(ast.unparse(above.test)):
                return True
            if isinstance(above, ast.Try) and any(
                h.type and GUARD.search(ast.unparse(h.type)) for h in above.handlers
            ):
                return True
            body = getattr(above, "body", None)
            if isinstance(body, list) and node in body:
                for earlier in body[: body.index(node)]:  # "if WINDOWS: return/raise ..." before it
                    leaves = isinstance(earlier, ast.If) and isinstance(
                        earlier.body[-1], (ast.Return, ast.Raise)
                    )
                    if leaves and GUARD.search(ast.unparse(earlier.test)):
                        return True
            node = above
        return False

    found = []
    for node in ast.walk(module):
        name = ""
        if isinstance(node, ast.Attribute) and last_two(dotted(node)) in POSIX_ONLY:
            name = last_two(dotted(node))
        elif (
            isinstance(node, ast.Import)
            and any(alias.name.split(".")[0] in POSIX_MODULES for alias in node.names)
        ) or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in POSIX_MODULES):
            name = ast.unparse(node)
        if name and not guarded(node):
            found.append((node.lineno, name))
    return found


@pytest.mark.parametrize(
    "planted", ["import os\nos.fork()", "import fcntl", "import os\ndef f(d):\n    os.fdatasync(d)"]
)
def test_the_posix_check_catches_a_planted_call(planted: str) -> None:
    assert posix_only_without_branch(planted)


def test_every_posix_only_call_has_a_windows_branch() -> None:
    files = [*SOURCES, ROOT / "start.py"]
    found = [
        f"{relative(path)}:{line} {name}"
        for path in files
        for line, name in posix_only_without_branch(path.read_text(encoding="utf-8"))
    ]
    assert found == []


# --- size and words
# ------------------------------------------------------------------------------------------------------


def test_files_fit_a_short_read_and_functions_fit_a_screen() -> None:
    found = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LINES_PER_FILE and relative(path) not in LONG_FILES:
            found.append(f"{relative(path)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LINES_PER_FUNCTION and f"{relative(path)}:{node.name}" not in LONG_FUNCTIONS:
                    found.append(f"{relative(path)}:{node.lineno} {node.name} has {lines} lines")
    assert found == []


def test_every_module_and_public_name_says_what_it_is_for() -> None:
    found = []
    for path in SOURCES:
        module = tree(path)
        if not ast.get_docstring(module):
            found.append(f"{relative(path)}: module")
        for node in module.body:
            named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            if named and not node.name.startswith("_") and not ast.get_docstring(node):
                found.append(f"{relative(path)}:{node.lineno} {node.name}")
    assert found == []


def test_no_unfinished_work_is_left_in_the_tree() -> None:
    # Spelt in parts so that this list does not find itself.
    words = re.compile(
        "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "place" + "holder", "NotImplemented" + "Error"])
    )
    found = [
        f"{relative(path)}:{number}"
        for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line) and "GUARD" not in line
    ]
    assert found == []


# --- start-up
# ----------------------------------------------------------------------------------------------------------


def test_help_imports_no_heavy_package() -> None:
    heavy = ("numpy", "pandas", "pyarrow", "pydantic", "PySide6", "sqlalchemy", "rich", "asyncio", "ruamel")
    script = (
        "import sys; from labctl.cli.app import main; code = main(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "usage: labctl VERB" in done.stdout
    assert done.stderr.strip() == "[]"
