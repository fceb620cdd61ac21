"""A bench whose time runs by itself, as a real one's does: looks come a little late and still come."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.cli.app import main
from labctl.testing.commandline import captured
from labctl.testing.sim import running_bench


@pytest.mark.slow
def test_a_run_on_a_bench_that_waits_for_nobody_is_followed_to_its_end(tmp_path: Path) -> None:
    with running_bench("--mode", "free", "--speed", "5000") as bench:
        where = ("--station", str(bench.station_file), "--data", str(tmp_path / "data"), "--json")
        assert captured(main, "cells", "import", bench.first["cells_file"], *where).code == 0
        words = ("p1-li-li-1mA", "--set", "cycles=2", "--cell", "C0004", "--channel", "neware:1-4")
        call = captured(main, "run", "--alone", *words, *where)
        assert call.code == 0, call.err
        (result,) = call.json
        assert result["outcome"] == "finished"
        shown = captured(main, "runs", "show", "last", *where).json
        blocks = (Path(shown["folder"]) / "receipts.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(blocks) > 5, "rows came while it ran, not all at the end"
