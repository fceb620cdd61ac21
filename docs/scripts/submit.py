"""Queue a campaign and leave: the station goes on with it."""

from pathlib import Path

from labctl.api.client import connect

with connect(station="my-bench/station.yaml") as lab:
    lab.cells.import_table("cells.csv", Path("my-bench/cells.csv").read_bytes())
    print(len(lab.queue.submit_campaign(Path("campaign.yaml").read_text(), key="zn-1").jobs), "jobs queued")
