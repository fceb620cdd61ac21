"""Figures as files: size in mm, text as text, no raster, the same bytes each time."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from subprocess import run as run_process
from xml.etree import ElementTree

import numpy as np
import pytest

from labctl.analysis.curves import Curve
from labctl.analysis.dqdv import dqdv
from labctl.analysis.figures import (
    CycleSeries,
    LabelledCurve,
    Profile,
    capacity_efficiency_by_cycle,
    differential_capacity,
    long_term_profile,
    polarisation_by_cycle,
    round_up,
    voltage_capacity,
    zoom_windows,
)
from labctl.analysis.figurestyle import save
from labctl.errors import UserInputError

SVG = "{http://www.w3.org/2000/svg}"
PT_PER_MM = 72.0 / 25.4


def profiles() -> list[Profile]:
    """Return a cell that dies at 20 h and one that lives 60 h, 10 s records, 1 h opening rest."""
    found = []
    for label, hours, note in (("pristine Li", 24, "short, 20 h"), ("Zn-coated Li", 60, "")):
        time_s = np.arange(0.0, 3600.0 * (hours + 1), 10.0)
        half = np.floor((time_s - 3600.0) / 3600.0)
        level_V = 0.12 + (0.1 * np.maximum(half - 10, 0) if note else 0.0)
        level_V = np.where((half >= 20) & bool(note), 0.005, level_V)
        voltage_V = np.where(half < 0, 0.0, level_V * np.where(half % 2 == 0, 1.0, -1.0))
        found.append(Profile(label, time_s, voltage_V, 3600.0, note, 20.0 if note else None))
    return found


def series() -> list[CycleSeries]:
    cycle = np.arange(1, 151)
    return [
        CycleSeries(label, cycle, 158.0 - fade * cycle, 159.0 - fade * cycle, np.full(150, 0.99), 0.1 + 1e-3 * cycle)
        for label, fade in (("pristine Li", 0.4), ("Zn-coated Li", 0.1))
    ]  # fmt: skip


def curves() -> list[LabelledCurve]:
    capacity_Ah = np.linspace(0.0, 146e-6, 300)
    rise_V = 3.4 + 0.3 * (capacity_Ah / 146e-6) ** 8
    return [LabelledCurve("1", Curve(capacity_Ah, rise_V), Curve(capacity_Ah, 6.75 - rise_V))]


def all_figures(width_mm: float) -> dict[str, object]:
    charge, discharge = curves()[0].charge, curves()[0].discharge
    return {
        "profile": long_term_profile(profiles(), width_mm=width_mm),
        "capacity": capacity_efficiency_by_cycle(series(), unit="mAh g$^{-1}$", width_mm=width_mm),
        "polarisation": polarisation_by_cycle(series(), width_mm=width_mm, limit_V=1.0),
        "voltage": voltage_capacity(curves(), unit="mAh g$^{-1}$", per=0.924e-3, width_mm=width_mm),
        "dqdv": differential_capacity(
            [("1", dqdv(charge), dqdv(discharge))], unit="mAh g$^{-1}$", per=0.924e-3, width_mm=width_mm
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("width_mm", [85.0, 170.0])
def test_an_svg_has_the_journals_width_its_text_as_text_and_no_raster(
    width_mm: float, tmp_path: Path
) -> None:
    words = {
        "profile": {"Time / h", "Voltage / V", "pristine Li", "Zn-coated Li", "short, 20 h"},
        "capacity": {"Cycle", "CE / %"},
        "polarisation": {"Cycle", "Polarisation / V"},
        "voltage": {"Voltage / V", "Cycle"},
        "dqdv": {"Voltage / V", "Cycle"},
    }
    for name, figure in all_figures(width_mm).items():
        root = ElementTree.parse(save(figure, tmp_path / f"{name}.svg")).getroot()  # type: ignore[arg-type]
        assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(width_mm * PT_PER_MM, abs=0.01)
        texts = {"".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")}
        assert words[name] <= texts, name
        assert not list(root.iter(f"{SVG}image")), f"{name} holds a raster"


@pytest.mark.slow
def test_a_pdf_has_the_journals_width_embedded_fonts_and_no_date(tmp_path: Path) -> None:
    data = save(long_term_profile(profiles(), width_mm=85.0), tmp_path / "profile.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ ?([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ?\]", data)
    assert box is not None
    assert float(box.group(3)) == pytest.approx(85.0 * PT_PER_MM, abs=0.01)
    assert b"/FontFile2" in data and b"/Type3" not in data
    assert b"/Subtype /Image" not in data
    assert b"CreationDate" not in data


@pytest.mark.slow
def test_a_png_has_300_dpi(tmp_path: Path) -> None:
    data = save(
        voltage_capacity(curves(), unit="mAh", per=1.0, width_mm=85.0), tmp_path / "vq.png"
    ).read_bytes()
    assert int.from_bytes(data[16:20], "big") == pytest.approx(85.0 / 25.4 * 300, abs=1)


@pytest.mark.slow
def test_the_same_data_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    script = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from labctl.analysis.figures import Profile, long_term_profile\n"
        "from labctl.analysis.figurestyle import save\n"
        "t = np.arange(0.0, 72000.0, 10.0)\n"
        "p = [Profile('pristine Li', t, np.sign(np.sin(t / 1146)) * 0.1)]\n"
        "for form in ('svg', 'pdf', 'png'):\n"
        "    save(long_term_profile(p), Path(sys.argv[1]) / ('profile.' + form))\n"
    )
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        run_process([sys.executable, "-c", script, str(folder)], check=True, timeout=120)
    for form in ("svg", "pdf", "png"):
        first, second = ((folder / f"profile.{form}").read_bytes() for folder in folders)
        assert first == second, form


def test_a_users_own_settings_do_not_leak_in_or_out(tmp_path: Path) -> None:
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcParams["font.size"] = 31.0
        figure = polarisation_by_cycle(series())
        assert matplotlib.rcParams["font.size"] == 31.0
    assert figure.axes[0].xaxis.label.get_size() == 7.5


def test_the_zooms_show_the_beginning_the_death_and_the_end() -> None:
    first, death, last = zoom_windows(profiles(), 3)
    assert first == (0.0, 6.0)
    assert death[0] < 20.0 < death[1]
    assert last[1] == pytest.approx(60.0, abs=0.01)


def test_zooms_of_a_short_run_stay_inside_it() -> None:
    time_s = np.arange(0.0, 7200.0, 10.0)
    short = [Profile("a", time_s, np.sin(time_s / 500.0))]
    for begin_h, end_h in zoom_windows(short, 3):
        assert 0.0 <= begin_h < end_h <= 2.0


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.13, 0.15), (1.0, 1.0), (4.1, 5.0), (0.0, 1.0), (9.1, 10.0)]
)
def test_axis_limits_are_round_numbers(value: float, rounded: float) -> None:
    assert round_up(value) == pytest.approx(rounded)


def test_an_unknown_format_or_an_unprintable_width_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="svg, pdf, png"):
        save(polarisation_by_cycle(series()), tmp_path / "figure.bmp")
    with pytest.raises(UserInputError, match="85 and 170 mm"):
        polarisation_by_cycle(series(), width_mm=8.5)


def test_importing_the_figures_imports_no_matplotlib() -> None:
    script = "import sys, labctl.analysis.figures; sys.exit('matplotlib' in sys.modules)"
    assert run_process([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
