"""Do thousands of random things to the real window on a real station, and tell what it did not stand.

    python -m labctl.testing.guirandom                                   # 20 examples of 500 actions
    python -m labctl.testing.guirandom --seed 7 --examples 40 --go-on    # a longer hunt, all defects in one list

A hypothesis state machine: it clicks, types, pastes, drags, cuts the link, restarts the station (a process of its own,
as is its virtual bench); it starts, pauses, continues and stops runs. After each example it settles, looks at the
screen and closes the window; the next one opens with the layout of that. The window must never raise, never be busy for
more than 200 ms at a stretch (thread time), and show how each act on hardware ended, with the reason where it was
refused, failed or is not known. What is chosen follows from the seed; what the station does meanwhile does not.
Exit 1 with what was found.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from labctl.clock import link_now_s
from labctl.testing.guilaboratory import Laboratory, laboratory
from labctl.testing.guitrial import Trial
from labctl.testing.guiwatch import BUSY_MAX_S

EXAMPLES, STEPS = 20, 500
SEEDS = st.integers(0, 2**16 - 1)


KINDS = (
    "click", "cell", "go", "mapped", "key", "type", "paste", "drag", "wheel", "menu", "command", "dock", "look",
    "wait", "stop", "deed", "deed", "start", "link", "restart",
)  # fmt: skip
"""What may be done at any moment: anything clicked, a table's cell clicked, a view opened, a key of the map or another
pressed, a text typed, a table pasted, something dragged or scrolled, a menu used, a command found in the palette, views
docked, size, theme, language or scale changed, time let pass, all outputs stopped or released, runs paused, continued,
stopped (twice as often) or started, the link disturbed, the station restarted (once in an example of four)."""


def machine(lab: Laboratory) -> type[RuleBasedStateMachine]:
    """Return the state machine: a rule for each thing that a person, or the world, may do."""

    class RandomActions(RuleBasedStateMachine):
        """One example: the window from its opening to its end."""

        def __init__(self) -> None:
            super().__init__()
            self.trial = Trial(lab)
            self.trial.open()

        @rule(seed=SEEDS)
        def act(self, seed: int) -> None:
            """Do something: each kind as often, also where hypothesis tries its simplest numbers."""
            self.trial.do(self.trial.kind(KINDS, seed), seed)

        @invariant()
        def nothing_broke(self) -> None:
            """Look what was complained of since the last action."""
            self.trial.look()

        def teardown(self) -> None:
            """Settle, judge what is on the screen, close."""
            self.trial.close()

    return RandomActions


def main(words: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m labctl.testing.guirandom", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(2**31), help="what is chosen follows from it"
    )
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, help=f"windows that are opened ({EXAMPLES})"
    )
    parser.add_argument("--steps", type=int, default=STEPS, help=f"actions in each ({STEPS})")
    parser.add_argument("--go-on", action="store_true", help="do not end with the first defect")
    parser.add_argument(
        "--busy-s",
        type=float,
        default=BUSY_MAX_S,
        help=f"thread time of one turn that is a defect ({BUSY_MAX_S:g})",
    )
    args = parser.parse_args(words)
    faulthandler.enable()
    sys.stderr.write(f"seed {args.seed}\n")
    begin_s = link_now_s()
    settings = hypothesis.settings(
        max_examples=args.examples, stateful_step_count=args.steps, phases=[Phase.generate], deadline=None,
        database=None, suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="labctl-random-") as folder,
        laboratory(Path(folder), seed=args.seed, go_on=args.go_on, busy_max_s=args.busy_s) as lab,
    ):
        made = hypothesis.seed(args.seed)(machine(lab))
        run_state_machine_as_test(made, settings=settings)
        told = lab.told() | {"seed": args.seed, "took_s": round(link_now_s() - begin_s, 1)}
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 1 if told["defects"] else 0


def leave(code: int) -> None:
    """End at once: the off-screen platform may crash over windows that are taken apart with the process."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
