"""The rows behind a plot: fetched once few are in view, followed live."""

from typing import Any

import numpy as np

from labctl.gui.viewmodels.batches import Batch, RowsOf
from labctl.gui.viewmodels.windowrows import NAMES, WindowRows
from labctl.testing.guilab import FakeAsks, a_lab


def rows_of(*sequences: int) -> dict[str, Any]:
    return {name: np.array(sequences, dtype=np.float64) for name in NAMES}


def test_a_run_of_which_the_station_has_no_row_yet_is_followed_from_its_first() -> None:
    lab, asks = a_lab(), FakeAsks({"runs.records": rows_of()})
    rows = WindowRows(lab, asks)
    rows.show("run-1")
    rows.want(1, 100)
    assert asks.verbs == ["runs.records"] and not rows.whole
    lab.apply(Batch(rows=(RowsOf("run-1", rows_of(1, 2)),)))
    rows.want(1, 2)
    assert rows.whole and rows.trouble is None
