"""Print what cellpy and PyProBE read from a Neware-like CSV as JSON. Runs in the peers' environment.

Usage: cycler_readers.py FILE WORK_FOLDER
"""

import contextlib
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
work = sys.argv[2]
os.environ["HOME"] = work  # both keep configuration and caches in the home folder
os.chdir(work)


def read_with_cellpy(path: str) -> dict:
    import cellpy

    cell = cellpy.get(
        path,
        instrument="neware_txt",
        model="one",
        mass=1.0,
        area=1.0,
        nominal_capacity=1.0,
        cycle_mode="anode",
    )
    raw = cell.data.raw.reset_index(drop=True)
    last = raw.groupby("cycle_index").last()
    return {
        "rows": len(raw),
        "voltage_V": raw["voltage"].tolist(),
        "current_A": raw["current"].tolist(),
        "test_time_s": raw["test_time"].tolist(),
        "charge_Ah": last["charge_capacity"].tolist(),
        "discharge_Ah": last["discharge_capacity"].tolist(),
    }


def read_with_pyprobe(path: str) -> dict:
    import pyprobe

    cell = pyprobe.Cell(info={"Name": "C1"})
    cell.import_from_cycler("run", "neware", path, output_data_path=os.path.join(work, "run.parquet"))
    run = cell.procedure["run"]
    frame = run.data_frame if hasattr(run, "data_frame") else run.data
    frame = frame.collect() if hasattr(frame, "collect") else frame
    found = {
        "rows": frame.height,
        "voltage_V": frame["Voltage [V]"].to_list(),
        "current_A": frame["Current [A]"].to_list(),
        "test_time_s": frame["Time [s]"].to_list(),
        "capacity_Ah": frame["Capacity [Ah]"].to_list(),
        "step": frame["Step"].to_list(),
    }
    return found


with contextlib.redirect_stdout(sys.stderr):
    answer = {"cellpy": read_with_cellpy(sys.argv[1]), "pyprobe": read_with_pyprobe(sys.argv[1])}
print(json.dumps(answer))
