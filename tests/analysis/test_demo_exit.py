"""The demo's exit code and its words for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.analysis.outcomes import Verdict
from labctl.cli.app import main
from labctl.cli.demo import exit_code


def verdict(measured: float | None, *, ok: bool) -> Verdict:
    return Verdict(
        "P1 pristine", "R1", "life", "h", 160.0, measured, 20.0, ok, 100, "text (section 8)", "how"
    )


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([verdict(160.0, ok=True)], 0),
        ([verdict(160.0, ok=True), verdict(200.0, ok=False)], 1),
        ([verdict(200.0, ok=False), verdict(None, ok=False)], 2),
        ([], 2),
    ],
)
def test_the_exit_code_tells_not_computed_before_not_as_stated(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(verdicts) == code


@pytest.mark.parametrize("speed", ["fast", "0", "-3", "nan"])
def test_a_speed_that_is_none_is_refused_before_anything_is_made(
    speed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", f"--speed={speed}", "--data", str(tmp_path / "data")]) == 2
    assert "--speed is 'max' or a number above 0" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
