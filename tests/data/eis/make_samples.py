"""Write the impedance samples of this folder: dummy cell D1 in the layouts that other people's programs write.

Run it to make them anew: ``python tests/data/eis/make_samples.py``. It shares no code with the readers. The layouts
follow potentiostat.md 2.2.4, 2.3 and 3.6 and the table of data-formats.md section 3; the numbers are those of 10 ohm in
series with (100 ohm parallel 100 uF), seven significant digits.
"""

from __future__ import annotations

import cmath
import math
from pathlib import Path

HERE = Path(__file__).parent
FREQUENCIES_HZ = [10.0 ** (5 - step / 4) for step in range(25)]  # 100 kHz to 0.1 Hz
AMPLITUDE_V_RMS = 0.01


def d1_ohm(f_Hz: float) -> complex:
    return 10.0 + 100.0 / (1.0 + 2j * math.pi * f_Hz * 100.0 * 100e-6)


def points() -> list[tuple[float, complex]]:
    return [(f_Hz, d1_ohm(f_Hz)) for f_Hz in FREQUENCIES_HZ]


def save(name: str, lines: list[str], encoding: str = "utf-8") -> None:
    (HERE / name).write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))


def versastudio() -> None:
    definition = (
        "Definition=Segment #, Point #, E(V), I(A), Elapsed Time(s), ADC Sync Input(V), Current Range, Status, "
        "E Applied(V), Frequency(Hz), E Real, E Imag, I Real, I Imag, Z Real, Z Imag, E2 Status, E2(V), E2 Real, "
        "E2 Imag, Z2 Real, Z2 Imag, ActionId, AC Amplitude, 0"
    )
    lines = ["<Application>", "Name=VersaStudio", "Version=2.52.3.0", "</Application>", ""]
    lines += ["<Action0>", "Measured Open Circuit=6.404 mV", "Segments=0", "Name=Common", "</Action0>", ""]
    lines += [
        "<Instrument>",
        "Type=VersaSTAT4",
        "Model=-400",
        "Options=FRA, EIS <Filter:Normal>",
        "</Instrument>",
        "",
    ]
    lines += [
        "<Experiment>",
        "TimeAcquired=9:40:30 AM",
        "DateAcquired=Thursday, July 19, 2018",
        "</Experiment>",
        "",
    ]
    lines += ["<DataView>", "ViewSegments=All Segments", "</DataView>", ""]
    lines += ["<Action1>", "Points Per Decade=4", "Point Spacing=Logarithmic", "Amplitude (mV RMS)=10"]
    lines += [
        "End Frequency (Hz)=0.1",
        "Start Frequency (Hz)=100000",
        "Segments=1",
        "Name=Potentiostatic EIS",
    ]
    lines += ["</Action1>", "", "<Segment1>", "Type=2", "Version=3", definition]
    for place in range(3):  # an open-circuit action before it: no frequency, no impedance
        lines.append(
            f"0,{place},{0.0064 + place * 1e-5:.7G},0,{place},0,5,53,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0"
        )
    for place, (f_Hz, z_ohm) in enumerate(points()):
        e_V = cmath.rect(AMPLITUDE_V_RMS, 0.7 * place)  # its phase is arbitrary from point to point
        i_A = e_V / z_ohm
        numbers = (0.0064, 1e-6, 2.5 + place, 0, 5, 53, 0, f_Hz, e_V.real, e_V.imag, i_A.real, i_A.imag,
                   z_ohm.real, z_ohm.imag, 0, 0, 0, 0, 0, 0, 21, AMPLITUDE_V_RMS)  # fmt: skip
        lines.append(f"1,{place}," + ",".join(f"{value:.7G}" for value in numbers))
    lines += ["</Segment1>", "", "<Graph1>", "GraphTitle=", "Analysis=0", "</Graph1>"]
    save("d1.par", lines)


def parstat() -> None:
    names = ("Potential (V)", "Current (A)", "Elapsed Time (s)", "Frequency (Hz)", "Zre (ohms)", "Zim (ohms)",
             "|Vac| (V)", "|Iac| (A)")  # fmt: skip
    lines = ["".join(f"{name}\t" for name in names)]
    lines += [
        f"{3.49 - 1e-3 * place:.15g}\t-0.1499623060\t{10 * (place + 1)}\t0\t0\t0\t0\t0\t"
        for place in range(4)
    ]
    for place, (f_Hz, z_ohm) in enumerate(points()):
        numbers = (3.5003, 1e-4, 50.0 + place, f_Hz, z_ohm.real, z_ohm.imag, AMPLITUDE_V_RMS,
                   AMPLITUDE_V_RMS / abs(z_ohm))  # fmt: skip
        lines.append("".join(f"{value:.15g}\t" for value in numbers))
    save("d1-parstat.txt", lines, "ascii")


def powersuite() -> None:
    lines = ["Frequency\t Zre\t Zimg"]
    lines += [f"{f_Hz:.8g}\t {z_ohm.real:.8g}\t {z_ohm.imag:.8g}" for f_Hz, z_ohm in reversed(points())]
    save("d1-powersuite.txt", lines, "ascii")


def zplot() -> None:
    names = ("Freq(Hz)", "Ampl", "Bias", "Time(Sec)", "Z'(a)", "Z''(b)", "GD", "Err", "Range")
    comments = ["ZPLOT2 ASCII", "  Measured Data, ZPlot:       3.2c",
                "  Experiment Type:            Sweep Frequency, Control Voltage",
                "  Open Circuit Potential (V): 0.0033", "    Potential-AC:             10",
                "    Surface Area:             1"]  # fmt: skip
    values = [(f_Hz, AMPLITUDE_V_RMS, 0.0, 2.67 + place, z_ohm.real, z_ohm.imag, 0.0)
              for place, (f_Hz, z_ohm) in enumerate(points())]  # fmt: skip
    rows = [[f"{value:.6E}" for value in row] + ["0", "3"] for row in values]
    lines = [*comments, "  " + "\t".join(names), "End Comments", *("\t".join(row) for row in rows)]
    save("d1-tabs.z", lines)
    quoted = ['"ZPlotW Data File: Version 3.2c"', '"Raw Data"', '"Sweep Frequency: Control Voltage"',
              "Date: 12-17-2019    Time: 16:24:35", '"Open Circuit Potential (V):  0.0033 "', '"Frequency"',
              "0,3,0,1,100000,0.1", "25"]  # fmt: skip
    quoted.append("\"  Freq(Hz)    Ampl     Bias   Time(Sec)   Z'(a)    Z''(b)    GD   Err   Range\"")
    save("d1-quoted.z", [*quoted, *(", ".join(row) for row in rows)])


def gamry(name: str, *, comma: bool) -> None:
    def shown(value: float) -> str:
        return f"{value:.7g}".replace(".", ",") if comma else f"{value:.7g}"

    lines = ["EXPLAIN", "TAG\tEISPOT", "TITLE\tLABEL\tPotentiostatic EIS\tTest &Identifier",
             "DATE\tLABEL\t4/23/2018\tDate", "TIME\tLABEL\t16:43:15\tTime", "PSTAT\tPSTAT\tREF3000-1\tPotentiostat",
             f"VAC\tQUANT\t{shown(10.0)}\tAC &Voltage (mV rms)", f"AREA\tQUANT\t{shown(0.785)}\t&Area (cm^2)",
             f"EOC\tQUANT\t{shown(3.31)}\tOpen Circuit (V)", "OCVCURVE\tTABLE\t1", "\tPt\tT\tVf", "\t#\ts\tV",
             f"\t0\t{shown(0.25)}\t{shown(3.31)}", "ZCURVE\tTABLE",
             "\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\tIERange",
             "\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\t#"]  # fmt: skip
    for place, (f_Hz, z_ohm) in enumerate(points()):
        numbers = (place + 1.0, f_Hz, z_ohm.real, z_ohm.imag, 1.0, abs(z_ohm), math.degrees(cmath.phase(z_ohm)),
                   -2.4e-6, 3.3099)  # fmt: skip
        lines.append(f"\t{place}\t" + "\t".join(map(shown, numbers)) + "\t7")
    if comma:
        lines.append("EXPERIMENTABORTED\tTOGGLE\tT\tExperiment Aborted")
    save(name, lines, "latin-1")


def biologic() -> None:
    header = ["EC-Lab ASCII FILE", "Nb header lines : {count}                          ", "",
              "Potentio Electrochemical Impedance Spectroscopy", "",
              "Acquisition started on : 02/04/2018 10:02:46", "Device : SP-150 (SN 1)",
              "Electrode surface area : 0.001 cm²", "Va (mV)             10.0                ",
              "vs.                 Ref                 ", ""]  # fmt: skip
    names = ("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg", "time/s", "<Ewe>/V", "<I>/mA", "Cs/µF",
             "cycle number", "I Range", "|Ewe|/V", "|I|/A", "")  # fmt: skip
    lines = [*header, "\t".join(names)]
    lines[1] = lines[1].format(count=len(lines))
    for cycle in (1, 2):
        for place, (f_Hz, z_ohm) in enumerate(points()):
            z_ohm *= cycle
            numbers = (f_Hz, z_ohm.real, -z_ohm.imag, abs(z_ohm), math.degrees(cmath.phase(z_ohm)),
                       100.0 * cycle + place, 3.31, -0.25, 1.0, cycle, 11, AMPLITUDE_V_RMS,
                       AMPLITUDE_V_RMS / abs(z_ohm))  # fmt: skip
            lines.append("\t".join(f"{value:.7E}" for value in numbers))
    save("d1.mpt", lines, "latin-1")


if __name__ == "__main__":
    versastudio()
    parstat()
    powersuite()
    zplot()
    gamry("d1.DTA", comma=False)
    gamry("d1-comma-aborted.DTA", comma=True)
    biologic()
