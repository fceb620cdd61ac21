"""Cut a bound body into what the device can hold and what the host must decide.

In: a list of nodes in the order of the text, device nodes (``Step``, ``Loop``) and host nodes mixed.
Out: host nodes only, device nodes gathered into the longest possible ``Segment``.

A repeat with a host decision inside becomes a host repeat. So does the outermost loop when loops nest deeper than the
device allows: a host repeat raises the cycle count as a device loop does, which copies of the steps would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeAlias

from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.program import HostIf, HostNode, HostRepeat, Loop, Segment, Spectroscopy, Step

BoundNode: TypeAlias = Step | Loop | Spectroscopy | HostRepeat | HostIf
END_LINES = 1
"""A device program ends with a line of its own."""


@dataclass(slots=True)
class Cutter:
    """Cuts for one device; ``findings`` are errors, ``warnings`` say where the device's limits show."""

    capabilities: CyclerCapabilities
    findings: list[str]
    warnings: list[str]

    def flow(self, nodes: Iterable[BoundNode]) -> tuple[HostNode, ...]:
        """Return the program's flow with segments and spectra numbered, each from 1 in the order of the text."""
        return _numbered(self.gathered(nodes), count(1), count(1))

    def repeat(self, count: int, body: list[BoundNode]) -> list[BoundNode]:
        """Return a repeat of ``count`` passes: a device loop where the device can hold it."""
        if count == 1:
            return body
        if any(isinstance(node, Spectroscopy | HostRepeat | HostIf) for node in body):
            return [HostRepeat(f"pass >= {count}", count, self.gathered(body))]
        device_body = tuple(node for node in body if isinstance(node, Step | Loop))
        depth = 1 + max(_depth(node) for node in device_body)
        if depth > self.capabilities.loop_depth_max:
            self._warn(
                f"repeats are nested {depth} deep and a {self.capabilities.model} holds "
                f"{self.capabilities.loop_depth_max}: "
                f"the host begins each of the {count} outer passes; the cell rests at open circuit between them."
            )
            return [HostRepeat(f"pass >= {count}", count, self.gathered(body))]
        if sum(_lines(node) for node in device_body) + 1 + END_LINES > self.capabilities.steps_max:
            self._warn(
                f"the steps of a repeat do not fit into the {self.capabilities.steps_max} lines of a "
                f"{self.capabilities.model}: "
                f"the host begins its parts; the cell rests at open circuit between them."
            )
            return [HostRepeat(f"pass >= {count}", count, self.gathered(body))]
        return self._counted(count, device_body, depth)

    def _counted(self, count: int, body: tuple[Step | Loop, ...], depth: int) -> list[BoundNode]:
        """Return one loop, or two nested ones whose counts multiply to ``count`` (as many jumps back in all)."""
        largest = self.capabilities.loop_count_max
        if count <= largest:
            return [Loop(count, body)]
        inner = next((value for value in range(min(largest, count // 2), 1, -1) if count % value == 0), 0)
        if inner and count // inner <= largest and depth < self.capabilities.loop_depth_max:
            return [Loop(count // inner, (Loop(inner, body),))]
        self.findings.append(
            f"repeat {count} is more than the {largest} passes of a {self.capabilities.model}; write it as "
            "nested repeats."
        )
        return [Loop(largest, body)]

    def gathered(self, nodes: Iterable[BoundNode]) -> tuple[HostNode, ...]:
        """Return host nodes with neighbouring device nodes gathered into segments (index 0 as yet)."""
        found: list[HostNode] = []
        body: list[Step | Loop] = []
        lines = END_LINES
        for node in nodes:
            if isinstance(node, Spectroscopy | HostRepeat | HostIf):
                if body:
                    found.append(Segment(0, tuple(body)))
                body, lines = [], END_LINES
                found.append(node)
                continue
            more = _lines(node)
            if body and lines + more > self.capabilities.steps_max:
                self._warn(
                    f"the program is longer than the {self.capabilities.steps_max} lines of a "
                    f"{self.capabilities.model}: "
                    f"it is cut into several device tests; the cell rests at open circuit between them."
                )
                found.append(Segment(0, tuple(body)))
                body, lines = [], END_LINES
            body.append(node)
            lines += more
        if body:
            found.append(Segment(0, tuple(body)))
        return tuple(found)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _depth(node: Step | Loop) -> int:
    return 0 if isinstance(node, Step) else 1 + max(_depth(item) for item in node.body)


def _lines(node: Step | Loop) -> int:
    return 1 if isinstance(node, Step) else 1 + sum(_lines(item) for item in node.body)


def _numbered(
    nodes: tuple[HostNode, ...], segments: Iterator[int], spectra: Iterator[int]
) -> tuple[HostNode, ...]:
    found: list[HostNode] = []
    for node in nodes:
        if isinstance(node, Segment):
            found.append(replace(node, index=next(segments)))
        elif isinstance(node, Spectroscopy):
            found.append(replace(node, index=next(spectra)))
        elif isinstance(node, HostRepeat):
            found.append(replace(node, body=_numbered(node.body, segments, spectra)))
        else:
            then = _numbered(node.then, segments, spectra)
            found.append(replace(node, then=then, otherwise=_numbered(node.otherwise, segments, spectra)))
    return tuple(found)
