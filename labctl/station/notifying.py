"""Carries alarms to people who look at no screen: composes messages, tries paths in order, says daily that it lives.

Sending blocks, so it happens in a thread of its own, with a deadline: a path that hangs is given up together with its
thread and never stops the station. Addresses are secrets: neither logs nor alarms show them.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from labctl.clock import Clock
from labctl.config.notify import Language, NotifyPath, NotifyPerson, NotifySettings
from labctl.engine.machines.alarmterms import Change, Definition
from labctl.errors import LabctlError, UserInputError
from labctl.model.alarm import Alarm
from labctl.model.person import Actor
from labctl.station.alarmtable import DEFINITIONS
from labctl.station.noticeplan import Notice, NoticePlan
from labctl.worker import Worker

SEND_DEADLINE_S = 60.0
"""Longer than the time-outs of any service that works (link time)."""
LINES_MAX = 20
"""Alarms named in one message; the rest is counted."""
TEXT_MAX = 300
"""Characters of one alarm's text in a message."""

Send = Callable[[str, str, str], bool]
"""Sends (address, title, body) and tells whether the service took it. Blocks."""
_log = logging.getLogger(__name__)

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "since": "since", "do": "What to do", "more": "and {count} more", "escalated": "not acknowledged yet",
        "digest": "{count} alarms at once", "several": "{count} alarms", "alive": "I am alive",
        "standing": "alarms standing", "head": "journal head", "test": "test message",
        "test_body": "This is a test by {name}. Nothing has happened.", "none": "none",
    },
    "zh": {
        "since": "始于", "do": "处理", "more": "另有 {count} 条", "escalated": "尚未确认",
        "digest": "同时出现 {count} 条报警", "several": "{count} 条报警", "alive": "系统正常运行",
        "standing": "现有报警", "head": "日志链首", "test": "测试消息",
        "test_body": "这是 {name} 的测试，未发生任何事件。", "none": "无",
    },
}  # fmt: skip


def send_with_apprise(address: str, title: str, body: str) -> bool:
    """Send one message by Apprise; False where the address is of no known kind or the service refuses. Blocks."""
    # logs of these hold addresses, and with them tokens; and plug-ins import modules that Python has deprecated
    for name in ("apprise", "urllib3", "requests_oauthlib", "paho"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise

        box = apprise.Apprise()
        return bool(box.add(address)) and bool(
            box.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
        )


class Notifier:
    """Tells people of alarms. Used on the event loop only; ``serve`` does the sending."""

    def __init__(
        self,
        settings: NotifySettings,
        clock: Clock,
        station: str,
        *,
        head: Callable[[], str] = lambda: "",
        facts: Callable[[], str] = lambda: "",
        send: Send = send_with_apprise,
        environment: Mapping[str, str] | None = None,
        definitions: Mapping[str, Definition] = DEFINITIONS,
    ) -> None:
        """``head`` gives the journal's last check and ``facts`` a line about runs and jobs, for the daily message."""
        self._settings = settings
        self._clock = clock
        self._station = station
        self._head = head
        self._facts = facts
        self._send = send
        self._environment = environment
        self._plan = NoticePlan(settings, definitions)
        self._worker = Worker("labctl-notify", clock)
        self._wake = asyncio.Event()
        self._told: Callable[[str, int], None] = lambda key, stage: None
        self._trouble: Callable[[str, str], None] = lambda person, text: None
        self._alive_s: float | None = None
        self._last: dict[str, str] = {}

    def report_to(self, told: Callable[[str, int], None], trouble: Callable[[str, str], None]) -> None:
        """Name who keeps what people were told, and who hears that a person cannot be reached ("" = can again)."""
        self._told, self._trouble = told, trouble

    # -- what the alarm keeper says ---------------------------------------------------------------------------------

    def change(self, change: Change) -> None:
        """Take a change of an alarm."""
        self._plan.change(change, self._clock.link.now_s())
        self._wake.set()

    def resume(self, alarms: tuple[Alarm, ...], told: Mapping[str, int]) -> None:
        """Take the alarms that stood before a restart, and how many persons knew of each."""
        now_s, utc = self._clock.link.now_s(), self._clock.link.utc()
        for alarm in alarms:
            age_s = max(0.0, (utc - datetime.fromisoformat(alarm.since_utc)).total_seconds())
            self._plan.resume(alarm, told.get(alarm.key, 0), age_s, now_s)
        self._wake.set()

    # -- life -------------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Send what is due; for ever."""
        link = self._clock.link
        self._plan_alive()
        while True:
            now_s = link.now_s()
            if self._alive_s is not None and now_s >= self._alive_s:
                self._plan_alive()
                await self._say_alive()
            for notice in self._plan.due(link.now_s(), link.utc()):
                await self._tell(notice)
            moments = [self._plan.next_s(link.now_s(), link.utc()), self._alive_s]
            due_s = min((moment for moment in moments if moment is not None), default=None)
            try:
                async with link.timeout(None if due_s is None else max(0.0, due_s - link.now_s())):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    def close(self) -> None:
        """End the sending thread without waiting for a service that hangs."""
        self._worker.abandon()

    def status(self) -> dict[str, Any]:
        """Return who is told by which kinds of path and what became of the last message; addresses are hidden."""
        settings = self._settings
        quiet = None
        if settings.quiet_min is not None:
            quiet = "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in settings.quiet_min)
        alive = settings.alive_at_min
        return {
            "people": [
                {
                    "name": person.name,
                    "paths": [str(path) for path in person.paths],
                    "language": person.language,
                    "last": self._last.get(person.name, ""),
                }
                for person in settings.people
            ],
            "quiet_hours": quiet,
            "alive_at": None if alive is None else f"{alive // 60:02d}:{alive % 60:02d}",
            "timezone": settings.timezone,
        }

    async def test(self, actor: Actor) -> str:
        """Send a test message by every path of every person; returns what became of each.

        Raises: UserInputError where nobody is named in the station file.
        """
        if not self._settings.people:
            raise UserInputError("Nobody is named under 'notify' in the station file; see docs/alarms.md.")
        told: list[str] = []
        for person in self._settings.people:
            words = _WORDS[person.language]
            title, body = self._title(words["test"]), words["test_body"].format(name=actor.name)
            for path in person.paths:
                problem = await self._try(path, title, body)
                told.append(f"{person.name} by {path}: {problem or 'sent'}")
        return "\n".join(told)

    # -- sending ----------------------------------------------------------------------------------------------------

    async def _tell(self, notice: Notice) -> None:
        person = self._settings.people[notice.person]
        title, body = self._compose(notice, person.language)
        problem = await self._reach(person, title, body)
        now_s = self._clock.link.now_s()
        if problem:
            self._plan.failed(notice, now_s)
            return
        for key, stage in self._plan.sent(notice, now_s).items():
            self._told(key, stage)

    async def _reach(self, person: NotifyPerson, title: str, body: str) -> str:
        """Try a person's paths in order; return what went wrong where none works."""
        problems: list[str] = []
        for path in person.paths:
            problem = await self._try(path, title, body)
            if not problem:
                self._note(person, f"sent by {path}" + (f", after {'; '.join(problems)}" if problems else ""))
                self._trouble(person.name, "")
                return ""
            problems.append(f"{path}: {problem}")
        text = "; ".join(problems)
        self._note(person, f"failed: {text}")
        self._trouble(person.name, f"{person.name} cannot be reached: {text}")
        return text

    async def _try(self, path: NotifyPath, title: str, body: str) -> str:
        """Send by one path; return what went wrong, empty for sent."""
        try:
            address = path.resolve(self._environment)
            async with self._clock.link.timeout(SEND_DEADLINE_S):
                taken = await self._worker.call(self._send_quietly, address, title, body)
        except TimeoutError:
            self._worker.abandon()  # its thread hangs (F02): the next message gets a new one
            self._worker = Worker("labctl-notify", self._clock)
            return f"no answer within {SEND_DEADLINE_S:.0f} s"
        except LabctlError as error:
            return str(error)
        return "" if taken else "the service did not take it"

    def _send_quietly(self, address: str, title: str, body: str) -> bool:
        """Send; an error of a service's library is a refusal, and its text, which may hold the address, is dropped."""
        try:
            return self._send(address, title, body)
        except Exception as error:
            _log.warning("notify failed error=%s", type(error).__name__)
            return False

    def _note(self, person: NotifyPerson, text: str) -> None:
        self._last[person.name] = f"{self._clock.link.utc().isoformat(timespec='seconds')} {text}"
        _log.info("notify person=%s result=%r", person.name, text)

    def _plan_alive(self) -> None:
        wait_s = self._settings.alive_in_s(self._clock.link.utc())
        self._alive_s = None if wait_s is None else self._clock.link.now_s() + wait_s

    async def _say_alive(self) -> None:
        for person in self._settings.people:
            words = _WORDS[person.language]
            standing = ", ".join(f"{count} {name}" for name, count in self._plan.standing.items())
            lines = [
                f"{words['standing']}: {standing or words['none']}",
                self._facts(),
                f"{words['head']}: {self._head()}",
            ]
            await self._reach(person, self._title(words["alive"]), "\n".join(line for line in lines if line))

    # -- words ------------------------------------------------------------------------------------------------------

    def _title(self, text: str) -> str:
        return f"[{self._station}] {text}"

    def _compose(self, notice: Notice, language: Language) -> tuple[str, str]:
        words, alarms = _WORDS[language], notice.alarms
        suffix = f" ({words['escalated']})" if notice.escalated else ""
        if len(alarms) == 1:
            alarm = alarms[0]
            return self._title(f"{alarm.priority.upper()}: {_what(alarm, language)}{suffix}"), self._full(
                alarm, language
            )
        count = words["digest" if notice.digest else "several"].format(count=len(alarms))
        title = self._title(f"{alarms[0].priority.upper()}: {count}{suffix}")
        lines = [self._full(alarm, language) for alarm in alarms[:LINES_MAX]]
        if len(alarms) > LINES_MAX:
            lines.append(words["more"].format(count=len(alarms) - LINES_MAX))
        return title, "\n\n".join(lines)

    def _full(self, alarm: Alarm, language: Language) -> str:
        """Return station, channel, cell, what, since and what to do: no more, and no secrets (section 8)."""
        words = _WORDS[language]
        place = " ".join(part for part in (self._station, alarm.channel or alarm.subject, alarm.cell) if part)
        since = self._settings.local(datetime.fromisoformat(alarm.since_utc)).strftime("%Y-%m-%d %H:%M")
        to_do = alarm.what_to_do_zh if language == "zh" and alarm.what_to_do_zh else alarm.what_to_do
        return "\n".join(
            (
                f"{alarm.priority.upper()} {place}",
                alarm.text[:TEXT_MAX]
                if language == "en"
                else f"{_what(alarm, language)}: {alarm.text[:TEXT_MAX]}",
                f"{words['since']} {since}" + (f" (x{alarm.count})" if alarm.count > 1 else ""),
                f"{words['do']}: {to_do}",
            )
        )


def _what(alarm: Alarm, language: Language) -> str:
    known = DEFINITIONS.get(alarm.definition)
    if known is None:
        return alarm.text[:TEXT_MAX]
    place = alarm.cell or alarm.channel or alarm.subject
    return f"{known.title_zh if language == 'zh' else known.title}, {place}"
