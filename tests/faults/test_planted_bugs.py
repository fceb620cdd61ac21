"""Teeth: every planted bug still fits the code, each invariant has two of them, and the fault bench finds them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from labctl.testing.plantedbugs import check_fit, chosen, hunt, patches_in

BUGS = Path(__file__).with_name("bugs")
PATCHES = patches_in(BUGS)
INVARIANTS = {f"I{number:02}" for number in range(1, 21)}
A_RUN = 5


def turn() -> int:
    """Return which five are hunted today: by the run's number where there is one, else by the commit."""
    number = os.environ.get("LABCTL_FAULT_TURN") or os.environ.get("GITHUB_RUN_NUMBER")
    if number:
        return int(number)
    head = Path(__file__).resolve().parents[2] / ".git" / "HEAD"
    try:
        text = head.read_text(encoding="utf-8").strip()
        if text.startswith("ref: "):
            text = (head.parent / text[5:]).read_text(encoding="utf-8").strip()
        return int(text[:8], 16)
    except (OSError, ValueError):
        return 0


def test_every_invariant_has_two_planted_bugs_or_more() -> None:
    counted = [patch.header["Invariant"] for patch in PATCHES]
    assert set(counted) == INVARIANTS
    assert all(counted.count(invariant) >= 2 for invariant in INVARIANTS)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_planted_bug_fits_the_code_as_it_is(patch: object, tmp_path: Path) -> None:
    check_fit(patch, tmp_path)  # type: ignore[arg-type]  # parametrised by patches_in
    assert all(name.startswith(("labctl/", "drivers/")) for name in patch.files)  # type: ignore[attr-defined]
    assert not any("testing" in name for name in patch.files)  # type: ignore[attr-defined]
    assert patch.header["Bug"]  # type: ignore[attr-defined]


def test_five_patches_a_run_take_turns_until_all_had_one() -> None:
    seen = {patch.name for number in range(len(PATCHES)) for patch in chosen(PATCHES, A_RUN, number)}
    assert seen == {patch.name for patch in PATCHES}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(A_RUN))
def test_planted_bug_of_this_turn_is_found(number: int) -> None:
    patch = chosen(PATCHES, A_RUN, turn())[number]
    with tempfile.TemporaryDirectory():
        verdict = hunt(patch)
    assert verdict.found, f"{patch.name} was not found in {verdict.channel_hours:.0f} channel-hours"
