"""What all examples of random actions share: the application, a station of their own, and what was found."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from labctl.api.client.aio.connecting import connect_async
from labctl.errors import LabctlError, LinkClosed
from labctl.gui.theme.palette import dress
from labctl.testing.guiwatch import BUSY_MAX_S, Complaints, Sampler, WatchedApplication
from labctl.testing.stationrun import StationRun, connected, end, running_station, serve

SPEED = 600
WORK = 6
"""Channels that get work; the others stay free to be started by hand."""
JOB = {"protocol": "p1-li-li-1mA", "variables": {"cycles": "100000", "opening_rest": "1 min"}}


@dataclass
class Laboratory:
    """What all examples share: application, station, and what was found."""

    app: WatchedApplication
    complaints: Complaints
    station: StationRun
    folder: Path
    seed: int
    go_on: bool
    busy_max_s: float = BUSY_MAX_S
    """Thread time of one turn that is a defect."""
    actions: int = 0
    examples: int = 0
    acts: dict[str, int] = field(default_factory=dict)
    defects: dict[str, list[str]] = field(default_factory=dict)
    rss_MB: list[float] = field(default_factory=list)
    cut: bool = False
    frozen: bool = False
    others: list[Any] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Tell whether nothing more is done."""
        return bool(self.defects) and not self.go_on

    def defect(self, kind: str, text: str) -> None:
        """Note a defect; the same one again counts only."""
        self.defects.setdefault(kind, []).append(text)
        sys.stderr.write(f"DEFECT {kind}\n{text}\n" if len(self.defects[kind]) == 1 else "")

    async def connect(self, start: bool) -> Any:
        """Connect as the window does. Raises: LinkClosed while the link is cut."""
        if self.cut:
            raise LinkClosed("the cable is pulled", instrument="station", operation="connect")
        return await connect_async(data=self.station.data, start=False)

    # -- the station -------------------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Let the station answer nothing more."""
        if self.station.process.poll() is None and hasattr(signal, "SIGSTOP"):
            self.station.process.send_signal(signal.SIGSTOP)
            self.frozen = True

    def mend(self) -> None:
        """Let connections and answers come again."""
        self.cut = False
        if self.frozen:
            self.station.process.send_signal(signal.SIGCONT)
            self.frozen = False

    def restart(self) -> None:
        """Kill the station, and start it again on the same data."""
        self.mend()
        self.station.process.kill()
        self.station.process.wait()
        self.station.process = serve(self.station.station_file, self.station.data)
        self.others.append(self.station.process)

    def end_others(self) -> None:
        """End the stations that were started in place of the first."""
        for process in self.others:
            end(process)

    def prepare(self) -> None:
        """Give the next example a station that lives, outputs that are released, and work to look at."""
        self.mend()
        self.station.client.close()
        self.station.client = client = connected(self.station.process, self.station.data)
        self.station.bench.admin("pace", speed=SPEED)
        with contextlib.suppress(LabctlError):
            if client.info().stop_all.active:
                client.release_stop_all(reason="next example", confirm="release")
        free = [one for one in client.channels.list() if one.cell_id and not one.run_id]
        waiting = {job.spec.cell_id for job in client.queue.list()}
        for status in free[:WORK]:
            if status.cell_id not in waiting:
                with contextlib.suppress(LabctlError):
                    client.queue.submit([{"cell_id": status.cell_id, **JOB}])

    def told(self) -> dict[str, Any]:
        """Return what happened, as plain data."""
        return {
            "actions": self.actions,
            "examples": self.examples,
            "acts": self.acts,
            "defects": {
                kind: {"times": len(texts), "first": texts[0]} for kind, texts in self.defects.items()
            },
            "warnings of Qt": dict(self.complaints.warnings.most_common(8)),
            "resident MB": self.rss_MB,
        }


class Closer(QObject):
    """Takes addresses that would open another program."""

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        """Open nothing."""


@contextmanager
def laboratory(folder: Path, seed: int, go_on: bool, busy_max_s: float = BUSY_MAX_S) -> Iterator[Laboratory]:
    """Give application and station; nothing outside ``folder`` is written, no program and no address is opened."""
    import labctl.gui.views.firstrun.view as firstrun
    from labctl.gui.viewmodels.finding import Finder

    files = folder / "files"
    files.mkdir()
    os.chdir(files)
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    app, complaints, closer = WatchedApplication(), Complaints(), Closer()
    for scheme in ("file", "http", "https"):
        QDesktopServices.setUrlHandler(scheme, closer, "take")  # type: ignore[arg-type]  # the stub wants bytes, Qt does not
    firstrun.launch_demo = lambda: True
    Finder.test = lambda self, text: ""  # type: ignore[method-assign]  # no look-ups of random names
    dress(app)
    with ExitStack() as stack:
        stack.enter_context(complaints.heard())
        station = stack.enter_context(running_station(folder / "station"))
        made = Laboratory(app, complaints, station, folder, seed, go_on, busy_max_s)
        stack.callback(made.end_others)
        stack.callback(made.mend)
        stack.enter_context(Sampler(app).running())
        yield made
        os.chdir(folder.parent)
