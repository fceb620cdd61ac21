"""Patches are applied by content: they survive lines that move, and refuse lines that have changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.errors import UserFileError
from labctl.testing.patches import apply_patch, read_patch

PATCH = """\
Invariant: I05
Bug: the answer is wrong
--- a/house/answer.py
+++ b/house/answer.py
@@ -3,2 +3,2 @@
 def answer():
-    return 42
+    return 41
"""
SOURCE = 'def question():\n    return "?"\n\n\ndef answer():\n    return 42\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "answer.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "bug.patch").write_text(PATCH, encoding="utf-8")
    return tmp_path


def test_patch_finds_its_lines_where_they_have_moved(tree: Path) -> None:
    patch = read_patch(tree / "bug.patch")
    assert patch.header == {"Invariant": "I05", "Bug": "the answer is wrong"}
    apply_patch(patch, tree)
    assert (tree / "house" / "answer.py").read_text(encoding="utf-8") == SOURCE.replace("42", "41")


def test_stale_patch_is_refused_and_changes_nothing(tree: Path) -> None:
    (tree / "house" / "answer.py").write_text(SOURCE.replace("42", "43"), encoding="utf-8")
    with pytest.raises(UserFileError, match="stale"):
        apply_patch(read_patch(tree / "bug.patch"), tree)
    assert "43" in (tree / "house" / "answer.py").read_text(encoding="utf-8")


def test_patch_that_fits_twice_equally_near_is_refused(tree: Path) -> None:
    twice = "def answer():\n    return 42\n\n\ndef answer():\n    return 42\n"
    (tree / "house" / "answer.py").write_text(twice, encoding="utf-8")
    with pytest.raises(UserFileError, match="twice"):
        apply_patch(read_patch(tree / "bug.patch"), tree)


@pytest.mark.parametrize(
    "text", ["Invariant: I05\n", "+++ b/house/answer.py\n@@ -1 +1 @@\n?what\n", "@@ -1 +1 @@\n"]
)
def test_file_that_is_no_patch_is_refused_with_its_place(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.patch"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserFileError, match=r"bad\.patch"):
        read_patch(path)
