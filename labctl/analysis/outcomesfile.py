"""Read ``outcomes.yaml``: the study's statements as data, strictly, with line and column of every slip."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from labctl.analysis.outcomes import AT_LEAST, AT_MOST, MEASURES, Expectation, StudyRun
from labctl.errors import UserFileError
from labctl.protocol.yamlfile import Mapping, Node, Scalar, Sequence, load_yaml_file, nearest, refusal

SCHEMA = "outcomes/1"
FILE_NAME = "outcomes.yaml"

_RUN_KEYS = ("run", "protocol", "cell", "channel", "figure", "expect")
_EXPECT_KEYS = (
    "quantity", "unit", "text", "target", "tolerance", "chain", "at_least", "at_most", "from", "measure", "with",
    "when",
)  # fmt: skip


def find_outcomes() -> Path:
    """Return the outcomes file that comes with the protocol library. Raises: UserFileError without one."""
    for point in entry_points(group="labctl.protocols"):
        path = Path(str(point.load()())) / FILE_NAME
        if path.is_file():
            return path
    raise UserFileError(
        f"no installed protocol library brings a file {FILE_NAME}.",
        fix="Install labctl again from its folder.",
    )


def load_outcomes(path: Path) -> tuple[StudyRun, ...]:
    """Read the study's runs and expectations. Raises: UserFileError naming the place and the fix."""
    return _Reader(str(path)).study(load_yaml_file(path))


class _Reader:
    """Turns nodes into statements; every refusal names the place."""

    def __init__(self, source: str) -> None:
        self._source = source

    def study(self, root: Node) -> tuple[StudyRun, ...]:
        fields = self._fields(root, ("labctl", "runs"))
        if self._text(fields["labctl"]) != SCHEMA:
            raise refusal(
                self._source, fields["labctl"], "this is no outcomes file.", f"Write 'labctl: {SCHEMA}'."
            )
        return tuple(self._run(node) for node in self._items(fields["runs"]))

    def _run(self, node: Node) -> StudyRun:
        fields = self._fields(node, _RUN_KEYS)
        for name in _RUN_KEYS:
            self._need(node, fields, name)
        return StudyRun(
            run=self._text(fields["run"]),
            protocol=self._text(fields["protocol"]),
            cell=self._text(fields["cell"]),
            channel=self._text(fields["channel"]),
            figure=self._text(fields["figure"]),
            expectations=tuple(self._expectation(item) for item in self._items(fields["expect"])),
        )

    def _expectation(self, node: Node) -> Expectation:
        fields = self._fields(node, _EXPECT_KEYS)
        for name in ("quantity", "unit", "text", "from", "measure"):
            self._need(node, fields, name)
        stated, tolerance = self._comparison(node, fields)
        measure = self._text(fields["measure"])
        if measure not in MEASURES:
            near = nearest(measure, MEASURES)
            hint = f"Did you mean '{near}'?" if near else f"Known are {', '.join(MEASURES)}."
            raise refusal(self._source, fields["measure"], f"there is no measure '{measure}'.", hint)
        when = self._plain(fields["when"]) if "when" in fields else {}
        return Expectation(
            quantity=self._text(fields["quantity"]),
            unit=self._text(fields["unit"]),
            text=self._text(fields["text"]),
            stated=stated,
            tolerance=tolerance,
            source=self._text(fields["from"]),
            measure=measure,
            arguments=self._plain(fields["with"]) if "with" in fields else {},
            lived_h=float(when["lived_h"]) if "lived_h" in when else None,
            shorted=when.get("shorted") == "true",
        )

    def _comparison(self, node: Node, fields: dict[str, Node]) -> tuple[float, float | str]:
        kinds = [name for name in ("target", "at_least", "at_most") if name in fields]
        if len(kinds) != 1:
            raise refusal(
                self._source,
                node,
                "an expectation needs one of 'target', 'at_least', 'at_most'.",
                "Name one.",
            )
        stated = self._number(fields[kinds[0]])
        if kinds[0] != "target":
            return stated, AT_LEAST if kinds[0] == "at_least" else AT_MOST
        self._need(node, fields, "tolerance")
        chain = self._number(fields["chain"]) if "chain" in fields else 0.0
        return stated, round(self._number(fields["tolerance"]) + chain, 9)

    def _fields(self, node: Node, known: tuple[str, ...]) -> dict[str, Node]:
        if not isinstance(node, Mapping):
            raise refusal(
                self._source, node, "keys with values are expected here.", f"Known: {', '.join(known)}."
            )
        for key, _ in node.entries:
            if key.text not in known:
                near = nearest(key.text, known)
                hint = f"Did you mean '{near}'?" if near else f"Known: {', '.join(known)}."
                raise refusal(self._source, key, f"there is no key '{key.text}'.", hint)
        return {key.text: value for key, value in node.entries}

    def _need(self, node: Node, fields: dict[str, Node], name: str) -> None:
        if name not in fields:
            raise refusal(self._source, node, f"the key '{name}' is missing.", f"Add '{name}: …'.")

    def _items(self, node: Node) -> tuple[Node, ...]:
        if not isinstance(node, Sequence):
            raise refusal(self._source, node, "a list is expected here.", "Begin each item with '- '.")
        return node.items

    def _text(self, node: Node) -> str:
        if not isinstance(node, Scalar):
            raise refusal(self._source, node, "one value is expected here.", "Write text or a number.")
        return node.text

    def _number(self, node: Node) -> float:
        text = self._text(node)
        try:
            return float(text)
        except ValueError:
            raise refusal(
                self._source, node, f"'{text}' is not a number.", "Write it without a unit."
            ) from None

    def _plain(self, node: Node) -> dict[str, Any]:
        """Return a flat mapping with numbers where the text is one."""
        if not isinstance(node, Mapping):
            raise refusal(self._source, node, "keys with values are expected here.", "Write {name: value}.")
        found: dict[str, Any] = {}
        for key, value in node.entries:
            text = self._text(value)
            try:
                number = float(text)
                found[key.text] = int(number) if number.is_integer() else number
            except ValueError:
                found[key.text] = text
        return found
