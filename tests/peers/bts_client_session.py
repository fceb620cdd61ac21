"""Runs inside the peer's environment: a whole session of the public client ``aurora_neware`` against a BTS server.

    python bts_client_session.py PORT PIPELINE STEP_FILE

Prints one JSON object with what the client saw.
"""

import json
import sys
import time
from xml.sax.saxutils import escape

from aurora_neware.neware import NewareAPI

FOLLOW_POLLS_MAX = 600
POLL_S = 0.05


def main(port: int, pipeline: str, step_file: str) -> dict:
    seen: dict = {}
    with NewareAPI("127.0.0.1", port) as client:
        seen["pipelines"] = sorted(client.channel_map)
        seen["status_before"] = client.getchlstatus(pipeline)[pipeline]["status"]
        # This client puts the barcode into the XML as it stands, so its caller must escape it.
        seen["start"] = client.start(pipeline, escape('Zn & Li <7> "x"', {'"': "&quot;"}), step_file)
        seen["test_id"] = client.inquiredf(pipeline)[pipeline]["testid"]
        counts = []
        for _ in range(FOLLOW_POLLS_MAX):
            live = client.inquire(pipeline)[pipeline]
            counts.append(client.inquiredf(pipeline)[pipeline]["count"])
            if counts[-1] > 2200 or live["workstatus"] != "working":
                break
            time.sleep(POLL_S)
        seen["counts"] = counts
        seen["live"] = live
        seen["barcode"] = live["barcode"]
        seen["stop"] = client.stop(pipeline)
        seen["status_after"] = client.getchlstatus(pipeline)[pipeline]["status"]
        data = client.download(pipeline, 0)
        seen["rows"] = len(data["seqid"])
        seen["gap_free"] = data["seqid"] == list(range(1, len(data["seqid"]) + 1))
        seen["text_columns"] = [
            name
            for name, column in data.items()
            if name not in ("steptype", "atime") and any(isinstance(value, str) for value in column)
        ]
        seen["first"] = {name: column[0] for name, column in data.items()}
        seen["last"] = {name: column[-1] for name, column in data.items()}
        seen["log"] = client.downloadlog(pipeline)
        seen["steps"] = client.get_steps(pipeline)
    return seen


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2], sys.argv[3])))
