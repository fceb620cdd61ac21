"""When an export is whole, what it holds, and whether that is what was asked for. Pure.

A file counts once it has stood still for two looks. One that does not fit the plan, or cannot be read, may be half of
one that fits: it must stand still for much longer before it is believed (PS-2, PS-3). Readers come from the entry point
group ``labctl.spectrumfiles``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import COLUMNS, Spectrum, SpectrumHead
from labctl.model.technique import Peis
from labctl_drivers.powersuite_files.folder import Listing, Stamp

SAME_FREQUENCY = 0.02
"""Instruments round their frequencies; this much apart, relative, is another one."""


@dataclass(slots=True)
class _Seen:
    stamp: Stamp
    since_s: float
    looks: int = 1


class Watch:
    """Remembers what stands in the folder, and since when it has stood still. ``before`` was there at the start."""

    def __init__(self, before: Listing) -> None:
        self._before = dict(before)
        self._seen: dict[str, _Seen] = {}

    def look(self, listing: Listing, now_s: float) -> dict[str, float]:
        """Return the new files that stood still for two looks, and for how long they have, in s."""
        for name in self._seen.keys() - listing.keys():
            del self._seen[name]
        for name, stamp in listing.items():
            if self._before.get(name) == stamp or stamp.size == 0:
                continue
            seen = self._seen.get(name)
            if seen is None or seen.stamp != stamp:
                self._seen[name] = _Seen(stamp, now_s)
            else:
                seen.looks += 1
        return {name: now_s - seen.since_s for name, seen in self._seen.items() if seen.looks > 1}

    def ignore(self, name: str) -> None:
        """Take this file, as it stands, for none of ours: it cannot be read."""
        self._before[name] = self._seen.pop(name).stamp


def read(data: bytes, name: str, formats: Iterable[SpectrumFormat]) -> SpectrumContent:
    """Read an export by the first format that knows it. Raises: UserFileError naming the file."""
    known = list(formats)
    for one in known:
        if one.recognises(data):
            return one.read(data, name)
    titles = ", ".join(one.title for one in known) or "none is installed"
    raise UserFileError("no reader knows this file.", path=name, fix=f"Export it as text ({titles}).")


def misfits(content: SpectrumContent, data: bytes, technique: Peis) -> tuple[str, ...]:
    """Return how an export differs from the plan, one sentence each; empty where it is what was asked for."""
    found = []
    if len(content.spectra) != 1:
        found.append(f"the file holds {len(content.spectra)} spectra; the last is taken")
    if not data.endswith((b"\n", b"\r")):
        found.append("the file's last line has no end")
    spectrum, sweep = content.spectra[-1], technique.sweep
    if len(spectrum) != sweep.points:
        found.append(f"the file holds {len(spectrum)} points, {sweep.points} were asked for")
    if len(spectrum):
        for word, told_Hz, asked_Hz in (
            ("highest", float(spectrum.frequency_Hz.max()), max(sweep.f_start_Hz, sweep.f_end_Hz)),
            ("lowest", float(spectrum.frequency_Hz.min()), min(sweep.f_start_Hz, sweep.f_end_Hz)),
        ):
            if abs(told_Hz / asked_Hz - 1.0) > SAME_FREQUENCY:
                found.append(f"the {word} frequency is {told_Hz:g} Hz, {asked_Hz:g} Hz was asked for")
    return tuple(found)


def as_asked(content: SpectrumContent, technique: Peis, head: SpectrumHead) -> Spectrum:
    """Return the spectrum in the order that was asked for, under the plan's own head.

    A point begins where the row before it ended, as far as the file tells times.
    """
    spectrum = content.spectra[-1]
    ends_s = spectrum.t_end_s
    first_s = float(content.dc.elapsed_s[-1]) if content.dc is not None else 0.0
    starts_s = np.concatenate(([first_s], ends_s[:-1]))
    starts_s[~np.isfinite(ends_s)] = math.nan
    if content.dc is not None:
        head = replace(
            head, notes=(*head.notes, f"{len(content.dc.flags)} rows of direct current are in the raw file")
        )
    spectrum = replace(spectrum, t_start_s=starts_s, head=head)
    upwards = technique.sweep.f_end_Hz > technique.sweep.f_start_Hz
    order = np.argsort(spectrum.frequency_Hz if upwards else -spectrum.frequency_Hz, kind="stable")
    columns = {name: getattr(spectrum, name)[order] for name in COLUMNS}
    return replace(spectrum, **columns)
