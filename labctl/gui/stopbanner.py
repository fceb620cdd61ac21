"""The latch of Stop all outputs, shown until a person releases it: who, when, what was not confirmed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QListWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.banner import Banner
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.confirm import confirm
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.why import set_why
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.confirming import confirmation

if TYPE_CHECKING:
    from labctl.gui.desk import Desk
    from labctl.model.bench import StopAll, StopReport


class StopBanner(Banner):
    """Follows the latch; opens the list by itself after a stop from this window (U20)."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.setObjectName("stop-banner")
        self._desk = desk
        self.reports: ReportList | None = None
        desk.lab.watch(("station", "link"), lambda places: self.follow())
        desk.stopped.connect(self._stopped)
        self.pressed.connect(self._press)

    def follow(self) -> None:
        """Show the latch as it stands."""
        latch = self._desk.lab.stop_all
        if not latch.active:
            self.hide()
            return
        missing = [report for report in latch.reports if not report.confirmed]
        told = tr("stop", "By {name}, {utc} UTC. {n} of {all} outputs confirmed off.").format(
            name=latch.by,
            utc=latch.since_utc[11:19],
            n=len(latch.reports) - len(missing),
            all=len(latch.reports),
        )
        self.say(
            tr("stop", "All outputs are stopped"),
            told,
            priority="high" if missing else "",
            buttons={"list": tr("stop", "Show list"), "release": tr("stop", "Release...")},
        )
        live = self._desk.lab.link.live
        set_why(self.button("release"), "" if live else tr("stop", "There is no link to the station"))

    def _stopped(self, latch: StopAll) -> None:
        self.follow()
        self._show_list(latch)

    def _press(self, key: str) -> None:
        if key == "list":
            self._show_list(self._desk.lab.stop_all)
            return
        question = confirmation(self._desk.lab, "station.release_stop_all", [])
        assert question is not None
        confirm(question, partial(self._release, self._desk.lab.stop_all), self)

    def _release(self, seen: StopAll, reason: str, word: str) -> None:
        """Release the stop that the question named; one that was pressed since then stays in force (R15)."""
        now = self._desk.lab.stop_all
        if (seen.by, seen.since_utc) != (now.by, now.since_utc):
            what = tr("stop", "Stop all was pressed again meanwhile")
            why = tr("stop", "By {name}: {reason}").format(name=now.by or "?", reason=now.reason)
            self._desk.troubled.emit(Trouble(what, why, tr("stop", "Look at it again, then release it.")))
            return
        self._desk.acts.send(
            "station.release_stop_all",
            "station",
            reason=reason,
            confirm=word,
            failed=self._desk.troubled.emit,
        )

    def _show_list(self, latch: StopAll) -> None:
        if self.reports is not None:
            self.reports.close()
        self.reports = ReportList(latch.reports, self.window())
        self.reports.finished.connect(self._forget_list)
        self.reports.show()

    def _forget_list(self) -> None:
        if self.reports is not None:
            self.reports.deleteLater()
            self.reports = None


class ReportList(Dialog):
    """What became of the stop, channel by channel; what is not confirmed stands first, with what to do."""

    def __init__(self, reports: tuple[StopReport, ...], parent: object) -> None:
        super().__init__(tr("stop", "What became of Stop all outputs"), parent)  # type: ignore[arg-type]
        self.setModal(False)
        fix_size(self, width=560)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("stop", "Outputs"))
        self.lines = [report_line(report) for report in sorted(reports, key=lambda report: report.confirmed)]
        self.list.addItems(self.lines or [tr("stop", "no output was on")])
        fix_size(self.list, height=320)
        self.body.addWidget(self.list)
        shut = self.add_button(Button(tr("stop", "Close")))
        shut.clicked.connect(self.accept)
        shut.setFocus()


def report_line(report: StopReport) -> str:
    """Return one output's line."""
    state = tr("stop", "off, read back") if report.confirmed else tr("stop", "not confirmed")
    return "  ".join(part for part in (str(report.channel), state, report.text, report.what_to_do) if part)
