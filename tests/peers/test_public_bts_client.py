"""A public client of the BTS API that is not ours works against ``labctl sim`` without noticing a difference."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from labctl.testing.peerenv import peer_python
from labctl.testing.sim import running_bench

HERE = Path(__file__).parent
CHANNEL = "33-1-5"

# Written by hand from neware-bts.md 5.6: rest, +0.2 mA, -0.2 mA, looped; records every 10 s.
STEP_FILE = """<?xml version="1.0" encoding="utf-8"?>
<root>
  <config type="Step File" version="17" client_version="BTS Client 8.0.0.478(2024.06.24)(R3)"
          date="20260301083000" Guid="0f4c2f0a-6a0e-4c9f-8f6d-2a51b3c0d7e1">
    <Head_Info><Operate Value="66"/><Scale Value="1"/><Start_Step Value="1" Hide_Ctrl_Step="0"/><RateType Value="103"/></Head_Info>
    <Whole_Prt><Record><Main><Time Value="10000"/></Main></Record></Whole_Prt>
    <Step_Info Num="5">
      <Step1 Step_ID="1" Step_Type="4"><Limit><Main><Time Value="600000"/></Main></Limit></Step1>
      <Step2 Step_ID="2" Step_Type="1"><Limit><Main><Curr Value="0.2"/><Time Value="1800000"/></Main></Limit></Step2>
      <Step3 Step_ID="3" Step_Type="2"><Limit><Main><Curr Value="0.2"/><Time Value="1800000"/></Main></Limit></Step3>
      <Step4 Step_ID="4" Step_Type="5"><Limit><Other><Start_Step Value="2"/><Cycle_Count Value="50"/></Other></Limit></Step4>
      <Step5 Step_ID="5" Step_Type="6"/>
    </Step_Info>
  </config>
</root>
"""  # noqa: E501


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """One whole session of the foreign client: log in, list, start, follow, stop, download."""
    folder = tmp_path_factory.mktemp("bts")
    step_file = folder / "cycle.xml"
    step_file.write_text(STEP_FILE, encoding="utf-8")
    python = peer_python(HERE / "requirements-bts-client.txt")
    with running_bench("--mode", "free", "--speed", "20000", "--port", "0") as bench:
        port = bench.instrument("neware")["port"]
        script = [str(python), str(HERE / "bts_client_session.py"), str(port), CHANNEL, str(step_file)]
        done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.peers
def test_it_lists_both_units_with_eight_channels_each(session: dict[str, list[str]]) -> None:
    assert session["pipelines"] == sorted(
        f"33-{unit}-{channel}" for unit in (1, 2) for channel in range(1, 9)
    )


@pytest.mark.peers
def test_it_starts_a_step_file_follows_it_and_stops_it(session: dict[str, list[dict[str, str]]]) -> None:
    assert session["status_before"] in ("finish", "stop")
    assert session["start"][0]["start"] == "ok"
    assert int(session["test_id"]) > 0  # type: ignore[call-overload]
    counts = session["counts"]
    assert counts == sorted(counts)  # type: ignore[type-var]
    assert counts[-1] > 2200  # type: ignore[operator]
    assert session["stop"][0]["stop"] == "ok"
    assert session["status_after"] == "stop"
    assert session["barcode"] == 'Zn & Li <7> "x"'


@pytest.mark.peers
def test_it_downloads_gap_free_pages_with_numbers_in_every_column(session: dict[str, object]) -> None:
    assert session["rows"] > 2200  # type: ignore[operator]
    assert session["gap_free"] is True
    assert session["text_columns"] == []
    assert session["first"]["steptype"] == "rest"  # type: ignore[index]
    assert session["first"]["testtime"] == 0  # type: ignore[index]


@pytest.mark.peers
def test_it_reads_the_log_and_the_step_layer(session: dict[str, list[dict[str, int]]]) -> None:
    assert session["log"][0]["log_code"] == 100000
    indices = [row["stepindex"] for row in session["steps"]]
    assert indices == list(range(1, len(indices) + 1))
