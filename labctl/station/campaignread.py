"""Read single values of a campaign file; every refusal names line, column and what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from labctl.config.celltable import CELL_ID
from labctl.errors import UserFileError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import RetryPolicy
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import base_value, parse_quantity
from labctl.protocol.yamlfile import Fields, Mapping, Node, Scalar, Sequence, refusal

TEXT_MAX = 2_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}:[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
LABEL_MAX = 60
RETRY_KEYS = ("times", "pause")


@dataclass(frozen=True, slots=True)
class Options:
    """What may be said for the whole campaign or for one step."""

    KEYS: ClassVar[tuple[str, ...]] = ("priority", "not_before", "stagger", "hold", "retry")

    priority: int = 0
    not_before_utc: str = ""
    stagger_s: float = 0.0
    hold: bool = False
    retry_times: int = 0
    retry_pause_s: float = RetryPolicy().pause_s


class CampaignValues:
    """Scalars and lists of one file."""

    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, node: Node | None, problem: str, fix: str) -> UserFileError:
        """Build the error for a node of this file."""
        return refusal(self.source, node, problem, fix)

    def text(self, node: Node, what: str) -> str:
        """Return a single value's text."""
        if not isinstance(node, Scalar):
            raise self.refuse(node, f"{what} must be a single value.", "Write it behind the ':'.")
        text = node.text.strip()
        if not text or len(text) > TEXT_MAX or not text.isprintable():
            raise self.refuse(
                node, f"{what} is empty, longer than {TEXT_MAX}, or holds control characters.", "Mend it."
            )
        return text

    def name(self, node: Node, what: str) -> str:
        """Return a name that may stand in labels."""
        text = self.text(node, what)
        if not NAME.fullmatch(text):
            raise self.refuse(
                node, f"{what} cannot be named '{text}'.", "Use letters, digits, '-', '_' and '.'."
            )
        return text

    def label(self, node: Node, what: str) -> str:
        """Return a short text for people, for example '60 degC'."""
        text = self.text(node, what)
        if len(text) > LABEL_MAX or "/" in text:
            raise self.refuse(
                node, f"{what} '{text[:80]}' is too long, or holds '/'.", f"At most {LABEL_MAX} characters."
            )
        return text

    def word(self, node: Node, what: str, known: tuple[str, ...]) -> str:
        """Return one of a few words."""
        text = self.text(node, what)
        if text not in known:
            raise self.refuse(node, f"{what} '{text}' is unknown.", f"Write {' or '.join(known)}.")
        return text

    def cell(self, node: Node) -> CellId:
        """Return a cell's id."""
        text = self.text(node, "a cell")
        if not CELL_ID.match(text):
            raise self.refuse(
                node, f"'{text}' is no cell id.", "Use letters, digits, - and _, at most 64 characters."
            )
        return CellId(text)

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """Return a list's items; a single value is a list of one."""
        if isinstance(node, Sequence):
            if not node.items:
                raise self.refuse(node, f"{what}: the list is empty.", "Name at least one.")
            return node.items
        return (node,)

    def entries(self, node: Node, what: str) -> tuple[tuple[Scalar, Node], ...]:
        """Return the keys and values of a mapping."""
        if not isinstance(node, Mapping):
            raise self.refuse(
                node, f"{what} must be 'name: value' lines.", "For example 'coated: [C0009, C0010]'."
            )
        return node.entries


class Reader:
    """Values that the keys of campaign and steps share."""

    def __init__(self, values: CampaignValues) -> None:
        self._values = values

    def options(self, fields: Fields, above: Options) -> Options:
        """Return the options of a mapping, what is missing as said above it."""
        priority, stagger, hold = fields.get("priority"), fields.get("stagger"), fields.get("hold")
        times, pause_s = self._retry(fields.get("retry"), above)
        return Options(
            above.priority if priority is None else self._whole(priority, "priority"),
            self._moment(fields.get("not_before")) or above.not_before_utc,
            above.stagger_s if stagger is None else self._seconds(stagger, "stagger"),
            above.hold if hold is None else self._values.word(hold, "hold", ("true", "false")) == "true",
            times,
            pause_s,
        )

    def _retry(self, node: Node | None, above: Options) -> tuple[int, float]:
        if node is None:
            return above.retry_times, above.retry_pause_s
        if isinstance(node, Scalar):
            return self._whole(node, "retry"), above.retry_pause_s
        fields = Fields(node, self._values.source, "retry", RETRY_KEYS)
        pause = fields.get("pause")
        times = self._whole(fields.need("times", "1"), "times")
        return times, above.retry_pause_s if pause is None else self._seconds(pause, "pause")

    def _whole(self, node: Node, what: str) -> int:
        text = self._values.text(node, what)
        try:
            return int(text)
        except ValueError as error:
            raise self._values.refuse(
                node, f"{what} '{text}' is no whole number.", "Write for example 1."
            ) from error

    def count(self, node: Node | None, most: int) -> int:
        """Return a number of repeats, 1 where nothing is said."""
        if node is None:
            return 1
        count = self._whole(node, "repeat")
        if not 1 <= count <= most:
            raise self._values.refuse(node, f"repeat {count} cannot be.", f"Write a number from 1 to {most}.")
        return count

    def _seconds(self, node: Node, what: str) -> float:
        text = self._values.text(node, what)
        found = parse_quantity(text)
        if found is None or found.kind is not QuantityKind.TIME or base_value(found) < 0:
            raise self._values.refuse(
                node, f"{what} '{text}' is no time.", "Write for example 30 s or 10 min."
            )
        return base_value(found)

    def _moment(self, node: Node | None) -> str:
        if node is None:
            return ""
        text = self._values.text(node, "not_before")
        try:
            return datetime.fromisoformat(text).isoformat()
        except ValueError as error:
            fix = "Write for example 2026-01-31T08:00Z."
            raise self._values.refuse(node, f"not_before '{text}' is no moment.", fix) from error

    def optional(self, node: Node | None, what: str) -> str:
        """Return a text, empty where nothing is said."""
        return "" if node is None else self._values.text(node, what)

    def channel(self, node: Node | None) -> ChannelId | None:
        """Return a channel, None where nothing is said."""
        if node is None:
            return None
        text = self._values.text(node, "channel")
        if not CHANNEL.fullmatch(text):
            raise self._values.refuse(
                node, f"'{text}' is no channel.", "Write instrument:place, for example neware:1-3."
            )
        return ChannelId(text)

    def channels(self, node: Node | None) -> tuple[ChannelId, ...]:
        """Return a list of channels, empty where nothing is said."""
        if node is None:
            return ()
        found = [self.channel(item) for item in self._values.items(node, "channels")]
        return tuple(channel for channel in found if channel is not None)

    def variables(self, node: Node | None) -> MappingType[str, str]:
        """Return values for a protocol's variables, as texts."""
        if node is None:
            return {}
        return {
            key.text: self._values.text(value, key.text)
            for key, value in self._values.entries(node, "variables")
        }
