"""Come back from another process, wait for the campaign, read its rows into pandas."""

import pandas as pd

from labctl.api.client import connect

with connect(station="my-bench/station.yaml") as lab:
    rows = pd.concat({j.spec.cell_id: lab.runs.frame(j.run_id) for j in lab.queue.wait()}, names=["cell"])
print(rows.groupby(["cell", "cycle_count"])["voltage_volt"].agg(["min", "max", "count"]))
