"""Teeth: every planted bug still fits the code, each invariant has two of them, and the fault bench finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.testing.plantedbugs import check_fit, chosen, hunt, patches_in

BUGS = Path(__file__).with_name("bugs")
PATCHES = patches_in(BUGS)
INVARIANTS = {f"I{number:02}" for number in range(1, 21)}
A_RUN = 5


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
def test_a_planted_bug_is_found_by_the_seed_in_its_header() -> None:
    patch = next(patch for patch in PATCHES if patch.name.startswith("i03-joint-goes-back"))
    verdict = hunt(patch, seeds=[int(patch.header["Seed"])])
    assert verdict.found
    assert "I03" in verdict.text, "the station's own assertion of it has held the run"
