"""Take pictures of every view of the window, in every theme, language and scale, and lay them out on contact sheets.

    python -m labctl.testing.guishots --demo --days 8 --out shots            # a demo of its own, run for 8 plant days
    python -m labctl.testing.guishots --data DIR --views station,channel     # on a station that runs
    python -m labctl.testing.guishots --data DIR --themes dark --languages zh --scales 1.0 --size 1366x768
    python -m labctl.testing.guishots --data DIR --best docs/images          # the twelve pictures of the docs

The window is a real one: without a display the command starts itself again under ``xvfb-run``. A picture is what the
screen shows, not what a widget would paint. Nothing is pressed that changes the station.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.clock import link_now_s

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from labctl.cli.guidemo import Demo
    from labctl.gui.window import MainWindow

SCREEN = "4096x2304x24"
THEMES = ("light", "dark", "contrast")
LANGUAGES = ("en", "zh")
SCALES = ("1.0", "1.5", "2.0")
SIZE = "1920x1080"
CONNECT_S = 60.0
SETTLE_S = 1.5
FIRST_S = 6.0
"""How long a view may take to fetch what it shows when it is opened first."""
DAY_S = 86_400.0
DEMO_MAX_S = 1_800.0
CALM_SPEED = "60"
THUMB_PX = 640


@dataclass(frozen=True, slots=True)
class Look:
    """How the window looks in one picture."""

    theme: str
    language: str
    scale: str

    @property
    def name(self) -> str:
        """Return the part of the file name."""
        return f"{self.theme}-{self.language}-{self.scale}"


def main(words: list[str] | None = None) -> int:
    """Take the pictures; returns the exit code."""
    args = _arguments(words)
    if not os.environ.get("DISPLAY") and sys.platform.startswith("linux") and not args.offscreen:
        return _under_xvfb(sys.argv[1:] if words is None else words)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    if args.data:
        _shoot(Path(args.data), args, out)
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="labctl-shots-") as folder,
        _demo(Path(folder), args.days) as data,
    ):
        _shoot(data, args, out)
    return 0


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m labctl.testing.guishots", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", help="data root of a station that runs; without it a demo is started")
    parser.add_argument("--demo", action="store_true", help="start a demo (what is done without --data)")
    parser.add_argument("--days", type=float, default=8.0, help="plant days that the demo runs first (8)")
    parser.add_argument("--out", default="shots", help="folder of the pictures (shots)")
    parser.add_argument("--views", default="", help="scenes, comma separated (all); see --list")
    parser.add_argument("--themes", default=",".join(THEMES))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--scales", default=",".join(SCALES))
    parser.add_argument("--size", default=SIZE, help=f"of the window in pixels ({SIZE})")
    parser.add_argument(
        "--offscreen", action="store_true", help="without a display, on Qt's off-screen platform"
    )
    parser.add_argument("--best", default="", help="write the pictures of the docs into this folder instead")
    parser.add_argument("--list", action="store_true", help="list the scenes and end")
    return parser.parse_args(words)


def _under_xvfb(words: list[str]) -> int:
    """Run this command again on a display of its own."""
    if shutil.which("xvfb-run") is None:
        sys.stderr.write(
            "there is no display, and no xvfb-run to make one: install xvfb, or say --offscreen.\n"
        )
        return 2
    command = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN}", sys.executable, "-m", "labctl.testing.guishots"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    return subprocess.call([*command, *words], env=environment)


@contextmanager
def _demo(folder: Path, days: float) -> Iterator[Path]:
    """Serve the demo of ``labctl gui --demo``, run ahead by ``days``, then calm."""
    from labctl.cli.guidemo import Demo

    demo = Demo(folder, "max")
    try:
        asyncio.run(_run_ahead(demo, days))
        yield folder
    finally:
        demo.end()


async def _run_ahead(demo: Demo, days: float) -> None:
    from labctl.clock import link_pause_async

    station = await demo.connect(True)
    try:
        begin_s = _seconds((await station.info()).plant_utc)
        until_s = link_now_s() + DEMO_MAX_S
        while _seconds((await station.info()).plant_utc) - begin_s < days * DAY_S and link_now_s() < until_s:
            await link_pause_async(1.0)
        demo.set_speed(CALM_SPEED)
    finally:
        await station.close()


def _seconds(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()


# -- pictures ----------------------------------------------------------------------------------------------------------


def _shoot(data: Path, args: argparse.Namespace, out: Path) -> None:
    from labctl.testing.guibest import SIZE as BEST_SIZE
    from labctl.testing.guiscenes import SCENES

    if args.list:
        sys.stdout.write("\n".join(f"{scene.name:18} {scene.told}" for scene in SCENES) + "\n")
        return
    wanted = args.views.split(",") if args.views else [scene.name for scene in SCENES]
    unknown = set(wanted) - {scene.name for scene in SCENES}
    if unknown:
        raise SystemExit(f"there is no scene {', '.join(sorted(unknown))}; see --list.")
    looks = [
        Look(theme, language, scale)
        for theme in args.themes.split(",")
        for language in args.languages.split(",")
        for scale in args.scales.split(",")
    ]
    width, height = (int(part) for part in (BEST_SIZE if args.best else args.size).split("x"))
    with _window(data, width, height) as window:
        if args.best:
            _best(window, Path(args.best))
            return
        for scene in SCENES:
            if scene.name not in wanted:
                continue
            scene.show(window)
            _turn(FIRST_S)
            pictures = {}
            for look in looks:
                _dress(window, look)
                scene.show(window)
                _turn(SETTLE_S)
                pictures[look] = _grab(window)
                pictures[look].save(str(out / f"{scene.name}-{look.name}.png"))
            scene.leave(window)
            if len(looks) > 1:
                _sheet(pictures).save(str(out / f"sheet-{scene.name}.png"))
            sys.stdout.write(f"{scene.name}: {len(pictures)} pictures\n")
            sys.stdout.flush()


def _best(window: MainWindow, folder: Path) -> None:
    """Write the pictures of the docs, small. Raises: SystemExit for one that is too heavy."""
    from labctl.testing.guibest import BEST, BYTES_MAX, write_small
    from labctl.testing.guiscenes import SCENES

    folder.mkdir(parents=True, exist_ok=True)
    scenes = {scene.name: scene for scene in SCENES}
    for best in BEST:
        scene = scenes[best.scene]
        _dress(window, Look(best.theme, best.language, "1.0"))
        scene.show(window)
        _turn(FIRST_S)
        scene.show(window)
        _turn(SETTLE_S)
        weighs = write_small(_grab(window), folder / f"gui-{best.name}.png")
        scene.leave(window)
        sys.stdout.write(f"gui-{best.name}.png: {weighs} bytes\n")
        sys.stdout.flush()
        if weighs > BYTES_MAX:
            raise SystemExit(f"gui-{best.name}.png is too heavy for the docs: {weighs} bytes")


@contextmanager
def _window(data: Path, width: int, height: int) -> Iterator[MainWindow]:
    """Open the real window on a station that runs, with settings of its own."""
    from PySide6.QtCore import QPoint

    from labctl.api.client.aio.connecting import connect_async
    from labctl.api.client.aio.station import AsyncStation
    from labctl.gui.app import Plan, application, build
    from labctl.gui.session import Session

    async def connect(start: bool) -> AsyncStation:
        return await connect_async(None, data, start=False, person="chen")

    running = application()
    running.setCursorFlashTime(0)
    with tempfile.TemporaryDirectory(prefix="labctl-gui-") as folder:
        window = build(Plan(connect), Session(Path(folder) / "gui.ini"))
        window.move(QPoint(0, 0))
        window.resize(width, height)
        until_s = link_now_s() + CONNECT_S
        while (window.desk is None or not window.desk.lab.channels) and link_now_s() < until_s:
            _turn(0.1)
        try:
            yield window
        finally:
            window.close()
            _turn(0.2)


def _dress(window: MainWindow, look: Look) -> None:
    from labctl.gui.i18n.translating import Language
    from labctl.gui.theme.current import theme
    from labctl.gui.theme.tokens import ThemeName

    window.set_theme(ThemeName(look.theme))
    window.set_scale(float(look.scale))
    while theme().changing:
        _turn(0.01)
    window.set_language(next(one for one in Language if one.value.startswith(look.language)))


def _turn(seconds: float) -> None:
    """Let the window live for a while."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def _grab(window: MainWindow) -> QImage:
    """Return what the screen shows of the window; off-screen, what the window paints."""
    from PySide6.QtGui import QGuiApplication

    if QGuiApplication.platformName() == "xcb":
        frame = window.geometry()
        shown = window.screen().grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height())
        if not shown.isNull():
            return shown.toImage()
    return window.grab().toImage()


def _sheet(pictures: dict[Look, QImage]) -> QImage:
    """Return all looks of one scene: a row for each theme and language, a column for each scale."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QColor, QImage, QPainter

    rows = sorted(
        {(look.theme, look.language) for look in pictures}, key=lambda row: (THEMES.index(row[0]), row[1])
    )
    columns = sorted({look.scale for look in pictures})
    first = next(iter(pictures.values()))
    height = THUMB_PX * first.height() // first.width()
    sheet = QImage(
        len(columns) * (THUMB_PX + 8) + 8, len(rows) * (height + 8) + 8, QImage.Format.Format_RGB32
    )
    sheet.fill(QColor("#5a5a5a"))
    painter = QPainter(sheet)
    for look, picture in pictures.items():
        x = 8 + columns.index(look.scale) * (THUMB_PX + 8)
        y = 8 + rows.index((look.theme, look.language)) * (height + 8)
        small = picture.scaled(
            THUMB_PX, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        painter.drawImage(x, y, small)
    painter.end()
    return sheet


if __name__ == "__main__":
    sys.exit(main())
