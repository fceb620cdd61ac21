"""The protocol's text as the document: what is not edited keeps each character; what is done can be undone."""

from __future__ import annotations

from pathlib import Path

import labctl_protocols
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from labctl.gui.viewmodels.edits import EditStack
from labctl.gui.viewmodels.protocol import header
from labctl.gui.viewmodels.protocol.document import Document, Outcome
from labctl.gui.viewmodels.protocol.judging import judge
from labctl.gui.viewmodels.protocol.rows import Column, Kind
from labctl.gui.viewmodels.protocol.splices import scalar, spliced, update_keys
from labctl.gui.viewmodels.protocol.yamltree import Leaf, TextProblem, read_tree
from labctl.protocol.parse import parse_protocol
from labctl.protocol.yamlfile import load_yaml, to_texts

SHIPPED = sorted(
    path for path in Path(labctl_protocols.__file__).parent.glob("*.yaml")
    if path.read_text(encoding="utf-8").startswith("labctl: protocol/1")
)  # fmt: skip
HAND = """\
# formation, by hand
labctl: protocol/1
name: Hand  # the name
steps:
- rest: 6 h   # soak
# before the charge
- charge: C/20
  to: 4.2 V
  until:
    time: 30 h  # long
    # inner
    capacity: 120 %
  # deeper

- {discharge: 'C/20', until: {voltage: "2.5 V", time: 30 h}}
- repeat: 3
  steps: [{rest: 1 h}, {charge: 1 C, until: {time: 1 h}}]
- if: retention < 80 %
  then:
  - ask: |
      Two
      lines
  else: [{rest: 1 min}]
- parallel:
  - - rest: 1 h
    - rest: 2 h
  - [{rest: 3 h}]
- eis: {from: 1 MHz, to: 100 mHz, amplitude: 10 mV rms}
"""
TEXTS = [path.read_text(encoding="utf-8") for path in SHIPPED]


def rowed(document: Document, number: int) -> object:
    return document.rows[number - 1]


def done(document: Document, outcome: Outcome) -> str:
    assert not outcome.why, outcome.why
    assert outcome.edit is not None, outcome
    outcome.edit.redo()
    return document.text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_protocol_opens_unchanged_byte_for_byte_and_each_row_has_a_sentence(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    document = Document(text)
    assert document.text.encode() == path.read_bytes()
    assert document.trouble is None
    found = judge(text)
    assert found.usable and not found.problems
    for row in document.rows:
        assert not row.is_step or found.sentences[row.path], row
        assert row.kind is Kind.END or row.next
    assert found.needs is not None and found.needs.time_s > 0 and found.needs.rows > 0
    assert found.sketch is not None and len(found.sketch.time_s) > 10


def test_an_edit_of_a_cell_changes_its_own_characters_only() -> None:
    document = Document(HAND)
    text = done(document, document.set_cell(document.rows[1], Column.UNTIL, "V 4.1 V | Q 110 % | t 30 h"))
    assert text == HAND.replace("to: 4.2 V", "to: 4.1 V").replace("120 %", "110 %")


def test_quotes_that_a_person_wrote_stay() -> None:
    document = Document(HAND)
    text = done(document, document.set_cell(document.rows[2], Column.UNTIL, "V 2.6 V | t 30 h"))
    assert "{discharge: 'C/20', until: {voltage: \"2.6 V\", time: 30 h}}" in text
    text = done(document, document.set_cell(document.rows[2], Column.SET, "C/10"))
    assert "{discharge: 'C/10', until" in text


def test_comments_move_with_their_step() -> None:
    document = Document(HAND)
    text = done(document, document.move([document.rows[1]], down=False))
    assert text.index("# before the charge") < text.index("- charge: C/20") < text.index("# deeper")
    assert text.index("# deeper") < text.index("- rest: 6 h   # soak")


def test_a_list_in_brackets_is_opened_into_lines_where_a_step_is_added_to_it() -> None:
    document = Document(HAND)
    head = next(row for row in document.rows if row.kind is Kind.REPEAT)
    text = done(document, document.add(head))
    assert (
        "  steps:\n    - rest: 10 min\n    - {rest: 1 h}\n    - {charge: 1 C, until: {time: 1 h}}\n" in text
    )


def test_wrapping_in_a_repeat_and_taking_it_away_gives_the_text_back() -> None:
    document = Document(HAND)
    wrapped = done(document, document.wrap(document.rows[0:2]))
    assert (
        "- repeat: 2\n  steps:\n    - rest: 6 h   # soak\n    # before the charge\n    - charge: C/20\n"
        in wrapped
    )
    head = next(row for row in document.rows if row.kind is Kind.REPEAT)
    assert done(document, document.unwrap([head])) == HAND


def test_line_ends_of_windows_stay() -> None:
    document = Document(HAND.replace("\n", "\r\n"))
    text = done(document, document.add(document.rows[0]))
    assert "\n" not in text.replace("\r\n", "")


def test_a_text_with_an_error_keeps_the_tables_last_state_and_says_the_line() -> None:
    document = Document(HAND)
    rows = document.rows
    edit = document.edit("text", HAND.replace("name: Hand", "name: [Hand"))
    assert edit is not None
    edit.redo()
    assert document.rows == rows and document.trouble is not None and document.trouble.line >= 3
    assert "line" in document.set_cell(rows[0], Column.UNTIL, "t 1 h").why
    edit.undo()
    assert document.trouble is None and document.text == HAND


def test_a_step_that_stands_for_another_is_not_edited() -> None:
    document = Document("labctl: protocol/1\nname: A\nsteps:\n  - &one\n    rest: 1 h\n  - *one\n")
    assert "one" in document.set_cell(document.rows[1], Column.UNTIL, "t 2 h").why


@pytest.mark.parametrize("text", ["a: [", "- a", "", "a: 1\na: 2\n", "a: *b\n", "\x00", "? [a]\n: 1\n"])
def test_a_text_that_is_no_protocol_is_told_and_never_raises_out(text: str) -> None:
    with pytest.raises(TextProblem):
        read_tree(text)
    assert Document(text).trouble is not None


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_can_stand_in_a_value(value: str) -> None:
    if any(ord(sign) in range(0xD800, 0xE000) for sign in value) or not value:
        return
    for flow in (False, True):
        written = scalar(value, flow=flow)
        text = f"a: {{b: {written}}}\n" if flow else f"a: {written}\n"
        found = read_tree(text).get("a")
        leaf = (
            found.get("b") if flow and not isinstance(found, Leaf | None) and hasattr(found, "get") else found
        )
        assert isinstance(leaf, Leaf) and leaf.text == value


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.text("xyz 1", min_size=1, max_size=5).map(str.strip).filter(bool)
    )
)
@settings(max_examples=60, deadline=None)
def test_keys_are_set_added_and_removed_as_wished(wished: dict[str, str]) -> None:
    for text in ("a: 1 # one\n# between\nc: 3\n\ne: {x: 1}\n", "{a: 1, c: 3, e: 5}\n"):
        wanted = {key: wished.get(key) for key in "abcdef"}
        wanted["a"] = wished.get("a", "1")  # the word of a step stays, or is renamed
        root = read_tree(text)
        made = read_tree(spliced(text, update_keys(text, root, wanted)))
        assert {entry.key.text: entry.value.text for entry in made.entries if isinstance(entry.value, Leaf)} == {
            key: value for key, value in wanted.items() if value is not None}  # fmt: skip


TYPED = (
    "C/10", "1 mA", "4.2 V", "t 1 h", "V 4.3 V | t 3 h", "", "5 s or 2 mV", "REST", "CC-CHG", "CV-DIS", "CCCV-CHG",
    "EIS",
    "ASK", "7", "C/5 → 4.1 V", "inherit", "V 2 V … 4 V", "I C/50 | t 9 h", 'label: "x" # y', "标签",
    "retention < 70 %", "j = 1 mA + 1 mA", "１．５ ｍＡ", "25 °C | soak 3 h", "symmetric",
)  # fmt: skip


class Editing(RuleBasedStateMachine):
    """Any sequence of edits; then everything undone gives the first text, done again the last one."""

    @initialize(text=st.sampled_from([*TEXTS[:3], HAND, HAND.replace("\n", "\r\n")]))
    def begin(self, text: str) -> None:
        """Open a text."""
        self.first, self.document, self.stack, self.edits = text, Document(text), EditStack(), 0

    def _do(self, outcome: Outcome) -> None:
        if outcome.edit is not None:
            self.stack.do(outcome.edit)
            self.edits += 1
            assert self.document.trouble is None
            if outcome.path is not None:
                assert self.document.row_at(outcome.path) is not None

    def _rows(self, share: float, count: int) -> list[object]:
        rows = self.document.rows
        at = min(len(rows) - 1, int(share * len(rows)))
        return list(rows[at : at + count])

    @rule(share=st.floats(0, 1), column=st.sampled_from(list(Column)), typed=st.sampled_from(TYPED))
    def type_in(self, share: float, column: Column, typed: str) -> None:
        """Edit a cell."""
        self._do(self.document.set_cell(self._rows(share, 1)[0], column, typed))

    @rule(share=st.floats(0, 1), count=st.integers(1, 3), what=st.sampled_from(
        ["add", "duplicate", "delete", "wrap", "unwrap", "up", "down"]))  # fmt: skip
    def rearrange(self, share: float, count: int, what: str) -> None:
        """Change the order."""
        rows, document = self._rows(share, count), self.document
        steps = sum(row.is_step for row in document.rows)
        comments = document.text.count("#")
        if what == "add":
            self._do(document.add(rows[0]))
        elif what in ("up", "down"):
            self._do(document.move(rows, down=what == "down"))
            assert sum(row.is_step for row in document.rows) == steps
        else:
            self._do(getattr(document, what)(rows))
        assert what == "delete" or document.text.count("#") >= comments

    @rule(share=st.floats(0, 1), to=st.floats(0, 1))
    def drag(self, share: float, to: float) -> None:
        """Drag a step."""
        steps = sum(row.is_step for row in self.document.rows)
        self._do(self.document.move_behind(self._rows(share, 1), self._rows(to, 1)[0]))
        assert sum(row.is_step for row in self.document.rows) == steps

    @rule(field=st.sampled_from(header.FIELDS), typed=st.sampled_from((*TYPED, "long words " * 20)))
    def head(self, field: str, typed: str) -> None:
        """Edit the head."""
        self._do(self.document.set_field(field, typed))

    @rule(
        name=st.sampled_from(["a", "current", "chamber"]),
        to=st.sampled_from(["zz", "yy"]),
        note=st.text(max_size=9),
    )
    def variables(self, name: str, to: str, note: str) -> None:
        """Add, rename and remove variables."""
        if "\x00" not in note and note.isprintable():
            self._do(self.document.set_variable(name, "1 mA", note))
        self._do(self.document.rename_variable(name, to))
        self._do(self.document.remove_variable(to))

    def teardown(self) -> None:
        """Undo all, do all again."""
        if not hasattr(self, "document"):
            return
        last = self.document.text
        for _ in range(self.edits):
            self.stack.undo()
        assert self.document.text == self.first
        for _ in range(self.edits):
            self.stack.redo()
        assert self.document.text == last


Editing.TestCase.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
TestAnySequenceOfEditsIsUndone = Editing.TestCase


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_cell_typed_as_it_stands_changes_nothing(path: Path) -> None:
    document = Document(path.read_text(encoding="utf-8"))
    for row in document.rows:
        for column in Column:
            outcome = document.set_cell(row, column, row.cell(column).typed)
            assert outcome.edit is None and not outcome.why, (row, column, outcome)


def test_duplicated_steps_mean_the_same_protocol_once_more() -> None:
    for text in TEXTS:
        document = Document(text)
        done(document, document.duplicate([document.rows[0]]))
        steps = parse_protocol(document.text).steps
        assert steps[0] == steps[1]
        assert to_texts(load_yaml(document.text, "x"))["notes"] == to_texts(load_yaml(text, "x"))["notes"]
