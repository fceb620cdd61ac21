"""``labctl eis kk`` and ``labctl eis fit``: what the analysis says of spectra, as tables and as JSON."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labctl.analysis.eis.cell import CellImpedance, Outcome
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.fit import Estimate
from labctl.analysis.eis.history import analyse_all
from labctl.analysis.eis.kk import LinKK, lin_kk
from labctl.analysis.eis.validity import Finding, findings, usable
from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.eisinput import Named, chosen
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserInputError


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    named = chosen(args)
    return _kk(named, args) if args.what == "kk" else _fit(named, args)


def _kk(named: Sequence[Named], args: argparse.Namespace) -> int:
    """Test every spectrum; one that cannot be tested does not stop the others, and the exit code tells."""
    tests = [_tested(one) for one in named]
    if args.json:
        emit_json([_kk_plain(test) for test in tests])
    else:
        headers = ("spectrum", "Lin-KK", "rms / %", "RC", "mu")
        print_table("", headers, [_kk_row(test) for test in tests], right=(2, 3, 4))
        for test in tests:
            if test.reason:
                say(f"{test.label}: {test.reason}")
        _tell_findings([(test.label, test.found) for test in tests])
    return EXIT_FAILED if any(test.bad for test in tests) else EXIT_OK


@dataclass(frozen=True, slots=True)
class _Tested:
    """One spectrum's test; ``reason`` says why there is none."""

    label: str
    kk: LinKK | None
    reason: str
    found: tuple[Finding, ...]

    @property
    def bad(self) -> bool:
        return self.kk is None or not self.kk.passed or any(one.grave for one in self.found)


def _tested(one: Named) -> _Tested:
    clean = one.spectrum.kept(usable(one.spectrum))
    kk, reason = None, ""
    try:
        kk = lin_kk(clean.frequency_Hz, clean.z_ohm)
    except UserInputError as problem:
        reason = str(problem)
    return _Tested(one.label, kk, reason, findings(one.spectrum, kk))


def _kk_row(test: _Tested) -> tuple[str, ...]:
    if test.kk is None:
        return test.label, "not tested", "", "", ""
    kk = test.kk
    verdict = "passed" if kk.passed else "FAILED"
    return test.label, verdict, f"{100.0 * kk.rms:.3f}", str(kk.elements), f"{kk.mu:.2f}"


def _kk_plain(test: _Tested) -> dict[str, Any]:
    """Return a test as plain values; null where there is none."""
    kk = test.kk
    return {
        "spectrum": test.label,
        "passed": None if kk is None else kk.passed,
        "reason": test.reason,
        "rms": None if kk is None else kk.rms,
        "mu": None if kk is None else kk.mu,
        "elements": None if kk is None else kk.elements,
        "per_decade": None if kk is None else kk.per_decade,
        "drifting": None if kk is None else kk.drifting,
        "residuals": (
            None if kk is None else {"re": kk.residuals.real.tolist(), "im": kk.residuals.imag.tolist()}
        ),
        "findings": _findings_plain(test.found),
    }


def _findings_plain(found: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"kind": one.kind.value, "text": one.text, "grave": one.grave, "points": list(one.points)}
        for one in found
    ]


def _tell_findings(told: Sequence[tuple[str, Sequence[Finding]]]) -> None:
    for label, found in told:
        for one in found:
            say(f"{label}: {one.text}")


def _fit(named: Sequence[Named], args: argparse.Namespace) -> int:
    circuit = Circuit.read(args.circuit) if args.circuit else None
    results = analyse_all([one.spectrum for one in named], circuit)
    labels = [one.label for one in named]
    if args.json:
        emit_json([fit_plain(label, result) for label, result in zip(labels, results, strict=True)])
    elif len(results) == 1:
        tell_fit(labels[0], results[0])
    else:
        _tell_all(labels, results)
    return EXIT_FAILED if any(result.outcome is Outcome.REFUSED for result in results) else EXIT_OK


def fit_plain(label: str, result: CellImpedance) -> dict[str, Any]:
    """Return a fit as plain JSON values."""
    named = {"R_b": result.bulk, "R_SEI": result.sei, "R_ct": result.ct, "interfaces": result.interfaces}
    fitted = result.fit
    return {
        "spectrum": label,
        "cell": result.head.cell_id,
        "cycle": result.head.cycle,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "circuit": None if fitted is None else str(fitted.circuit),
        "rms": None if fitted is None else fitted.rms,
        "converged": None if fitted is None else fitted.converged,
        "parameters": [] if fitted is None else [_estimate_plain(one) for one in fitted.estimates],
        "resistances": {name: None if one is None else _estimate_plain(one) for name, one in named.items()},
        "separate": result.separate,
        "kk_rms": None if result.kk is None else result.kk.rms,
        "findings": _findings_plain(result.findings),
    }


def _estimate_plain(one: Estimate) -> dict[str, Any]:
    return {
        "name": one.name, "value": one.value, "low": one.low, "high": one.high, "unit": one.unit,
        "resolved": one.resolved,
    }  # fmt: skip


def tell_fit(label: str, result: CellImpedance) -> None:
    """Tell one spectrum's fit with every parameter."""
    fitted = result.fit
    if fitted is None:
        say(f"{label}: {result.outcome.value}. {result.reason}")
    else:
        say(f"{label}: {fitted.circuit}, misfit {100.0 * fitted.rms:.2f} % rms")
        named = [one for one in (result.bulk, result.sei, result.ct, result.interfaces) if one is not None]
        rows = [_estimate_row(one) for one in (*fitted.estimates, *named)]
        print_table("", ("parameter", "value", "95 % from", "to", "unit", ""), rows, right=(1, 2, 3))
        if result.sei is not None and not result.separate:
            say("The arcs are less than a decade apart: believe R_SEI + R_ct, not each of them.")
    _tell_findings([(label, result.findings)])


def _estimate_row(one: Estimate) -> tuple[str, ...]:
    note = "" if one.resolved else "not resolved"
    return one.name, f"{one.value:.4g}", f"{one.low:.4g}", f"{one.high:.4g}", one.unit, note


def _tell_all(labels: Sequence[str], results: Sequence[CellImpedance]) -> None:
    """Tell several fits, one a row: the named resistances in ohm with half their interval."""
    rows = []
    for label, result in zip(labels, results, strict=True):
        cells = [_resistance(one) for one in (result.bulk, result.sei, result.ct, result.interfaces)]
        kk = "" if result.kk is None else f"{100.0 * result.kk.rms:.2f}"
        rows.append((label, result.outcome.value, *cells, kk))
    headers = ("spectrum", "", "R_b / ohm", "R_SEI / ohm", "R_ct / ohm", "R_SEI + R_ct / ohm", "KK rms / %")
    print_table("", headers, rows, right=(2, 3, 4, 5, 6))
    for label, result in zip(labels, results, strict=True):
        if result.reason:
            say(f"{label}: {result.reason}")
    _tell_findings([(label, result.findings) for label, result in zip(labels, results, strict=True)])


def _resistance(one: Estimate | None) -> str:
    if one is None:
        return "—"
    return (
        f"{one.value:.4g} ± {0.5 * (one.high - one.low):.2g}"
        if one.resolved
        else f"{one.value:.4g} (not resolved)"
    )
