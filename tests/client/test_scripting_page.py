"""docs/scripting.md shows the scripts that are run (tests/cli/test_readme.py runs them)."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "docs" / "scripts"


def test_the_page_shows_the_scripts_that_are_run() -> None:
    text = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
    shown = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", text, flags=re.DOTALL)
    assert {name for name, _ in shown} == {"submit.py", "results.py", "campaign.yaml"}
    for name, content in shown:
        file = (SCRIPTS / name).read_text(encoding="utf-8")
        code = "\n".join(line for line in content.splitlines() if line.strip())
        kept = [line for line in file.splitlines() if line.strip() and not line.startswith(('"""', "# "))]
        assert code == "\n".join(kept), name
