"""Print what impedance.py and pyimpspec read from impedance files as JSON. Runs in the peers' environment.

Usage: impedance_readers.py FOLDER; the suffix and name of each file in it choose the readers.
"""

import contextlib
import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
IMPEDANCE_PY = {
    "plot.z": "zplot",
    "parstat.txt": "parstat",
    "powersuite.txt": "powersuite",
    "studio.par": "versastudio",
}
PYIMPSPEC = ("spectrum.csv", "plot.z", "parstat.txt", "powersuite.txt")


def plain(frequency_hz, z_ohm) -> dict:
    return {
        "f": [float(value) for value in frequency_hz],
        "re": [float(value.real) for value in z_ohm],
        "im": [float(value.imag) for value in z_ohm],
    }


def read_all(folder: Path) -> dict:
    import pyimpspec
    from impedance.preprocessing import readFile

    by_impedance = {
        name: plain(*readFile(str(folder / name), instrument=instrument))
        for name, instrument in IMPEDANCE_PY.items()
    }
    by_pyimpspec = {}
    for name in PYIMPSPEC:
        (data,) = pyimpspec.parse_data(folder / name)
        by_pyimpspec[name] = plain(data.get_frequencies(), data.get_impedances())
    return {"impedance.py": by_impedance, "pyimpspec": by_pyimpspec}


with contextlib.redirect_stdout(sys.stderr):
    answer = read_all(Path(sys.argv[1]))
print(json.dumps(answer))
