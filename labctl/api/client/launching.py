"""Start a station on this computer that stays when its starter goes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from labctl.api.client.address import FOLDER, being_served
from labctl.errors import LinkClosed

START_LOG = "start.log"
"""What a station that was started this way printed; overwritten at each start."""
START_PATIENCE_S = 120.0
"""Link seconds until a started station must answer: it reads every device and fills gaps before it says ready (S9)."""
TEXT_SHOWN = 2000


class Launch:
    """A station that was started and has not answered yet."""

    def __init__(self, process: subprocess.Popen[bytes], data: Path) -> None:
        self._process = process
        self._data = data
        self._log = data / FOLDER / START_LOG

    def check(self) -> None:
        """Raise LinkClosed with the station's own words when it has ended, unless another one is starting here."""
        code = self._process.poll()
        if code is None or being_served(self._data):
            return
        try:
            text = self._log.read_bytes()[-TEXT_SHOWN:].decode("utf-8", "replace").strip()
        except OSError as error:
            text = str(error)
        raise LinkClosed(
            f"the station that was started for {self._data} ended with exit code {code}. It said: {text or 'nothing'}",
            instrument="station", operation="start",
        )  # fmt: skip


def launch(data: Path, station_file: Path | None) -> Launch:
    """Start ``labctl serve`` for a data root, detached from this terminal and this process."""
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "labctl", "serve", "--data", str(data.absolute())]
    if station_file is not None:
        words += ["--station", str(station_file.absolute())]
    with (folder / START_LOG).open("wb") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=data,
            close_fds=True,
            creationflags=_flags(),
            start_new_session=sys.platform != "win32",
        )
    # It is meant to outlive us. Where it ends first, somebody must take note, or a dead entry stays in the system.
    threading.Thread(target=process.wait, name="end of the station", daemon=True).start()
    return Launch(process, data)


def _flags() -> int:
    if sys.platform == "win32":
        return subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
