"""What labctl asks of a file format for impedance spectra. Formats beside ours are found through entry point group
``labctl.spectrumfiles``; each entry is one ``SpectrumFormat``.

A format is data: what it is called, how a file is known by its content, how bytes become spectra and back. Z'' is
signed and amplitudes are rms on our side; what a file holds otherwise is turned by its format. Source: data-formats.md
section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labctl.interfaces.potentiostat import DcBlock
from labctl.model.spectrum import Spectrum


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumContent:
    """What one file holds: its spectra in order, at least one, and the DC rows among them, kept apart."""

    spectra: tuple[Spectrum, ...]
    dc: DcBlock | None = None


@dataclass(frozen=True, slots=True)
class SpectrumFormat:
    """One file format.

    ``recognises`` looks at the content alone and must not raise. ``read`` takes the bytes and the name to put into
    errors; it raises UserFileError with file, line and fix. ``write`` is None for formats that are only read; it gets
    a spectrum with at least one point, all of them with finite frequency and impedance unless ``holds_gaps``.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, str], SpectrumContent]
    write: Callable[[Spectrum], bytes] | None = None
    holds_gaps: bool = False
