"""The start: what is painted before what, the verb's words, settings, and the real station behind the bridge."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.cli.app import main
from labctl.gui.i18n.translating import Language
from labctl.gui.session import Session
from labctl.gui.summary import DiskDays
from labctl.gui.theme.tokens import ThemeName
from labctl.testing.commandline import captured

PAINT = """
import sys, tempfile
from pathlib import Path
from labctl.gui.app import Plan, application, build
from labctl.gui.session import Session
async def connect(start):
    raise OSError("none")
application()
window = build(Plan(connect), Session(Path(tempfile.mkdtemp()) / "gui.ini"))
late = ("numpy", "pandas", "pyarrow", "pyqtgraph", "httpx", "websockets", "labctl.api", "labctl.gui.viewmodels.lab")
print([name for name in late if name in sys.modules], window.isVisible())
window._timer.stop()
"""
RAIL = """
import sys
from labctl.gui.views.registry import find_views
find_views()
print([name for name in ("numpy", "pandas", "pyarrow", "pyqtgraph", "httpx") if name in sys.modules])
"""


def child(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_window_is_painted_before_client_numpy_and_plots_are_imported() -> None:
    assert child(PAINT) == "[] True"


def test_the_rail_is_drawn_without_importing_what_views_need() -> None:
    assert child(RAIL) == "[]"


def test_the_help_of_the_verb_imports_no_qt() -> None:
    code = "import sys; from labctl.cli.app import main; main(['gui', '--help'])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "--demo" in done.stdout and "PySide6" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "10"], "goes with --demo"),
        (["--demo", "--speed", "fast"], "'max' or a number above 0"),
        (["--demo", "--url", "https://there:1"], "brings its own bench"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_opened(words: list[str], said: str) -> None:
    call = captured(main, "gui", *words)
    assert call.code == 2 and said in call.err


def test_settings_survive_and_rubbish_in_them_costs_nothing(tmp_path: Path, qapp: Any) -> None:
    file = tmp_path / "gui.ini"
    first = Session(file)
    first.theme, first.language, first.scale = ThemeName.DARK, Language.CHINESE, 1.25
    first.put("filter/dead", {"soh_below": 0.8})
    first.save_layout(b"abc", "station", "mine")
    first.sync()
    second = Session(file)
    assert (second.theme, second.language, second.scale) == (ThemeName.DARK, Language.CHINESE, 1.25)
    assert second.get("filter/dead") == {"soh_below": 0.8} and second.layout("mine") == (b"abc", "station")
    assert second.layouts() == ("mine",)
    file.write_text("[look]\ntheme=mauve\nscale=huge\n[plain]\nfilter\\dead={", encoding="utf-8")
    third = Session(file)
    assert (third.theme, third.scale, third.get("filter/dead", 1)) == (ThemeName.LIGHT, 1.0, 1)
    assert third.layout() is None


def test_days_of_disk_are_told_only_after_half_an_hour_of_watching() -> None:
    disk = DiskDays()
    assert disk.days is None
    for minute in range(0, 31):
        disk.see(minute * 60.0, 100_000_000_000 - minute * 1_000_000)
    assert disk.days == pytest.approx((100_000_000_000 - 30_000_000) / (1_000_000 * 1440), rel=1e-6)
    idle = DiskDays()
    for minute in range(0, 31):
        idle.see(minute * 60.0, 5)
    assert idle.days is None


def test_help_opens_a_page_that_exists() -> None:
    from labctl.gui.helping import help_page

    page = help_page("alarms.md#what")
    assert page is not None and page.name == "alarms.md"
    missing = help_page("no-such-page.md")
    assert missing is not None and missing.name == "README.md"


# -- a real station ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from labctl.testing.stationrun import running_station

    with running_station(tmp_path_factory.mktemp("gui")) as found:
        yield found


def bridged(found: Any) -> Any:
    from labctl.gui.qt_bridge import Bridge

    async def connect(start: bool) -> Any:
        from labctl.api.client.aio.connecting import connect_async

        return await connect_async(None, found.data, start=False, person="chen")

    return Bridge(connect)


@pytest.mark.slow
def test_a_real_station_feeds_the_lab_takes_asks_and_is_stopped(running: Any, qapp: Any, qtbot: Any) -> None:
    from labctl.clock import link_now_s
    from labctl.gui.viewmodels.lab import Lab

    bridge, lab = bridged(running), Lab(link_now_s)
    bridge.arrived.connect(lab.apply)
    bridge.informed.connect(lab.take_info)
    bridge.start()
    try:
        qtbot.waitUntil(
            lambda: len(lab.channels) == 16 and lab.link.live and lab.station is not None, timeout=60_000
        )
        assert lab.station is not None and lab.station.virtual and lab.me.name == "chen"
        found: list[Any] = []
        bridge.ask(
            "queue.submit", running_wish(running), then=found.append, failed=found.append, deadline_s=30.0
        )
        qtbot.waitUntil(lambda: bool(found), timeout=60_000)
        assert hasattr(found[0], "jobs"), found
        qtbot.waitUntil(lambda: len(lab.runs) > 0, timeout=60_000)
        run_id = next(iter(lab.runs))
        rows: list[int] = []
        lab.watch(
            ("rows",), lambda places: rows.extend(int(n) for r in lab.rows for n in r.columns["sequence"])
        )
        bridge.follow("test", [run_id])
        qtbot.waitUntil(lambda: len(rows) > 3, timeout=60_000)
        assert rows == list(range(rows[0], rows[0] + len(rows)))
        answers: list[Any] = []
        late: list[Any] = []
        bridge.stop_late.connect(answers.append)  # a loaded computer may take longer than the window waits
        bridge.stop_all("test over", answers.append, late.append)
        qtbot.waitUntil(lambda: bool(answers), timeout=60_000)
        assert answers[0].active and all(report.confirmed for report in answers[0].reports)
        troubles: list[Any] = []
        bridge.ask("runs.stop", "no-such-run", failed=troubles.append)
        qtbot.waitUntil(lambda: bool(troubles), timeout=60_000)
        assert "no-such-run" in troubles[0].why
    finally:
        assert bridge.close()


def running_wish(found: Any) -> Any:
    from labctl.model.job import JobSpec

    status = next(s for s in found.client.channels.list() if s.cell_id)
    return JobSpec(cell_id=status.cell_id, protocol="p1-li-li-1mA", channels=(status.channel,))


@pytest.mark.slow
def test_a_station_that_is_killed_and_started_again_is_found_by_itself(
    tmp_path: Path, qapp: Any, qtbot: Any
) -> None:
    from labctl.gui.viewmodels.batches import LinkPhase
    from labctl.testing.stationrun import connected, end, running_station, serve

    phases: list[LinkPhase] = []
    with running_station(tmp_path) as found:
        bridge = bridged(found)
        bridge.arrived.connect(lambda batch: phases.append(batch.link.state) if batch.link else None)
        bridge.start()
        try:
            qtbot.waitUntil(lambda: LinkPhase.LIVE in phases, timeout=60_000)
            found.process.kill()
            found.process.wait()
            qtbot.waitUntil(lambda: phases[-1] is LinkPhase.LOST, timeout=60_000)
            again = serve(found.station_file, found.data)
            try:
                connected(again, found.data).close()
                qtbot.waitUntil(lambda: phases[-1] is LinkPhase.LIVE, timeout=60_000)
            finally:
                end(again)
        finally:
            assert bridge.close()


@pytest.mark.slow
def test_the_demo_starts_a_campaign_paces_its_bench_and_ends_both(
    tmp_path: Path, qapp: Any, qtbot: Any
) -> None:
    from labctl.api.client.address import being_served
    from labctl.cli.guidemo import Demo, _admin
    from labctl.clock import link_now_s
    from labctl.gui.qt_bridge import Bridge
    from labctl.gui.viewmodels.acts import TroubleKind
    from labctl.gui.viewmodels.lab import Lab

    demo = Demo(tmp_path / "demo", "600")
    bridge, lab, troubles = Bridge(demo.connect), Lab(link_now_s), []
    bridge.arrived.connect(lab.apply)
    bridge.start()
    try:
        qtbot.waitUntil(lambda: len(lab.runs) >= 16, timeout=240_000)
        admin, speed = demo.pace()
        assert speed == "600" and _admin(admin, do="hello")["speed"] == 600
        bridge.set_pace("60", failed=troubles.append)
        qtbot.waitUntil(lambda: _admin(admin, do="hello")["speed"] == 60, timeout=60_000)
        assert not [trouble for trouble in troubles if trouble.kind is not TroubleKind.DEADLINE]
    finally:
        assert bridge.close()
        demo.end()
    assert not being_served(tmp_path / "demo")
    with pytest.raises(OSError):
        _admin(admin, do="hello")
