"""Random actions on the real window, a real station and a virtual bench: the window stands them, and hides no act.

Four hundred here, each time others, in a process of their own: it has another application, and a crash must not take
other tests with it. Ten thousand by ``python -m labctl.testing.guirandom``, which holds each turn to 0.2 s of thread
time; here it is 0.4 s: beside other tests on the same cores the same turn costs two to three times as much (opening the
protocol editor for the first time took 0.33 s at a load of 9 on two cores, and less than 0.2 s alone).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

EXAMPLES, STEPS, BUSY_S = 2, 200, 0.4
WITHIN_S = 600.0
RUN_VERBS = {"runs.pause", "runs.resume", "runs.skip", "runs.stop", "runs.pause_at_step_end", "queue.submit"}


def screen() -> list[str]:
    """Return what gives a real window a screen, where there is such a program."""
    found = shutil.which("xvfb-run")
    return [found, "-a", "-s", "-screen 0 1920x1080x24"] if found else []


def test_random_actions_neither_break_nor_block_the_window_nor_leave_an_act_untold() -> None:
    seed = os.environ.get("LABCTL_RANDOM_SEED") or str(secrets.randbelow(2**31))
    words = ["--seed", seed, "--examples", str(EXAMPLES), "--steps", str(STEPS), "--busy-s", str(BUSY_S)]
    done = subprocess.run(
        [*screen(), sys.executable, "-m", "labctl.testing.guirandom", *words],
        env={**os.environ, "QT_QPA_PLATFORM": "xcb" if screen() else "offscreen"},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    again = f"again: LABCTL_RANDOM_SEED={seed}, or python -m labctl.testing.guirandom {' '.join(words)}"
    assert done.returncode == 0, f"{again}\n{done.stderr[-12_000:]}"
    told = json.loads(done.stdout)
    assert told["defects"] == {} and told["examples"] == EXAMPLES and told["actions"] > STEPS, again
    assert RUN_VERBS & {key.split(" ")[0] for key in told["acts"]}, f"{again}: no run was acted on"
