"""Come back from another process, wait for the campaign, read its rows into pandas."""

import pandas as pd

from labctl.api.client import connect

with connect(station="my-bench/station.yaml") as station:
    rows = pd.concat({job.spec.cell_id: station.runs.frame(job.run_id) for job in station.queue.wait()}, names=["cell"])
print(rows.groupby(["cell", "cycle_count"])["voltage_volt"].agg(["min", "max", "count"]))
