"""The YAML reader gives nodes with places, or refuses; nothing that a file holds can hurt it.

Goal: X06 of safety-and-faults: no tags, no objects, no bombs. Method: hostile texts by hand, then random ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.errors import UserFileError
from labctl.protocol.yamlfile import (
    BYTES_MAX,
    NESTING_MAX,
    NODES_MAX,
    Fields,
    Mapping,
    Scalar,
    Sequence,
    load_yaml,
    load_yaml_file,
    to_plain,
    to_texts,
)

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

HOSTILE = {
    "a bomb of aliases": (BOMB, f"more than {NODES_MAX} nodes"),
    "deep brackets": ("[" * 100_000, f"deeper than {NESTING_MAX}"),
    "deep mappings": ("".join(" " * depth + "a:\n" for depth in range(200)), f"deeper than {NESTING_MAX}"),
    "depth through aliases": (
        "a: &a " + "[" * 20 + "x" + "]" * 20 + "\nb: " + "[" * 20 + "*a" + "]" * 20,
        f"deeper than {NESTING_MAX}",
    ),
    "many nodes": ("[" + "x," * (NODES_MAX + 1) + "]", f"more than {NODES_MAX} nodes"),
    "a large text": ("# " + "x" * BYTES_MAX, "larger than"),
    "an object tag": ("a: !!python/object/apply:os.system ['true']", "tags"),
    "a tag on a mapping": ("a: !thing {b: c}", "tags"),
    "a tag on the root": ("!!map\na: b", "tags"),
    "an alias of itself": ("a: &a [*a]", "contains itself"),
    "a key that is a list": ("? [a, b]\n: c", "a key must be plain text"),
    "a duplicate in a flow mapping": ("a: {b: 1, b: 2}", "duplicate key 'b'"),
    "a duplicate spelt in quotes": ("a: 1\n'a': 2", "duplicate key 'a'"),
    "a null": ("a: ~", "has no value"),
    "a control character": ("a: \x01", "control characters"),
    "an unknown escape": ('a: "\\q"', "not YAML"),
    "a lone surrogate": ("a: \ud800", "control characters"),
    "a broken directive": ("%YAML 9.9.9\n---\na: b", "not YAML"),
}


@pytest.mark.parametrize(("text", "words"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_text_is_refused_quickly(text: str, words: str) -> None:
    with pytest.raises(UserFileError) as caught:
        load_yaml(text, "hostile.yaml")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (BYTES_MAX + 1))
    with pytest.raises(UserFileError, match="at most 1000000 are read"):
        load_yaml_file(path)


def test_nodes_carry_their_places_and_stay_text() -> None:
    node = load_yaml("a: 1 mA\nb:\n  - no\n  - 'x y'\n", "x.yaml")
    assert isinstance(node, Mapping)
    assert [(key.text, key.line, key.column) for key, _ in node.entries] == [("a", 1, 1), ("b", 2, 1)]
    items = node.entries[1][1]
    assert isinstance(items, Sequence)
    assert items.items == (Scalar("no", 3, 5), Scalar("x y", 4, 5, plain=False))


def test_an_alias_stands_for_its_value_within_the_caps() -> None:
    node = load_yaml("record: &r {every: 10 s}\nagain: *r\n", "x.yaml")
    assert to_texts(node) == {"record": {"every": "10 s"}, "again": {"every": "10 s"}}


def test_plain_scalars_become_numbers_by_the_rules_of_yaml_1_2_only() -> None:
    node = load_yaml("[1, 1.5, true, no, 0x1F, 1_000, '2', 1e3, on]", "x.yaml")
    assert to_plain(node) == [1, 1.5, True, "no", "0x1F", "1_000", "2", 1000.0, "on"]


def test_unknown_keys_name_the_nearest_known_one() -> None:
    node = load_yaml("clock: real\nintsruments: []\n", "station.yaml")
    with pytest.raises(UserFileError) as caught:
        Fields(node, "station.yaml", "a station file", ("clock", "instruments"))
    assert str(caught.value) == (
        "station.yaml:2:1: unknown key 'intsruments' in a station file. Did you mean 'instruments'? "
        "Known keys: clock, instruments."
    )


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\n")
    assert to_texts(load_yaml_file(path)) == {"a": "b"}


@given(st.text(max_size=300))
def test_any_text_gives_nodes_or_a_refusal(text: str) -> None:
    try:
        load_yaml(text, "random.yaml")
    except UserFileError as error:
        assert str(error).startswith("random.yaml")


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                ": ",
                "- ",
                "\n",
                "  ",
                "[",
                "]",
                "{",
                "}",
                "&x ",
                "*x",
                "!t ",
                "'",
                '"',
                "#",
                "|",
                ">",
                ", ",
                "?",
            ]
        )
    )
)
def test_any_pieces_of_yaml_give_nodes_or_a_refusal(pieces: list[str]) -> None:
    try:
        node = load_yaml("".join(pieces), "random.yaml")
    except UserFileError:
        return
    assert to_texts(node) is not None
