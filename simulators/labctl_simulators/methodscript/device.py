"""The potentiostat on its wire: lines in, lines out, told the time (potentiostat.md 2.1).

The instrument has one serial line. Whoever connects last has it; a script goes on when nobody listens, and what it
says then is lost. It has no watchdog: after a lost link the script is the bound (2.1.8).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from labctl_simulators.adminfields import number
from labctl_simulators.methodscript.course import Settings, Upset
from labctl_simulators.methodscript.errors import Code, ScriptError
from labctl_simulators.methodscript.faults import DeviceFault, LinkFaults, known_kind
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.methodscript.models import Model
from labctl_simulators.methodscript.run import ScriptRun
from labctl_simulators.methodscript.script import SCRIPT_MAX_BYTES, Script, read_script
from labctl_simulators.methodscript.wire import LINE_MAX, LineReader
from labctl_simulators.neware.faults import Outgoing
from labctl_simulators.onleads import OnLeads
from labctl_simulators.world.potentiostat import Potentiostat

SCRIPT_VERSION = "0108"
BOOTLOADER = "espbl1101#Jul 18 2022 14:16:00"
QUIET_MIN_s, QUIET_MAX_s = 0.05, 0.1
CLOSING = Outgoing((), close=True)
RUN_WORDS = ("e", "l", "r", "Z", "Y", "h", "H")


class MethodScriptDevice(OnLeads):
    """One instrument. ``clock_s`` tells plant time."""

    kind = "methodscript"

    def __init__(
        self,
        model: Model,
        plant: Potentiostat,
        clock_s: Callable[[], float],
        *,
        serial: str = "ES4L00000001",
        eis_max_Hz: float | None = None,
    ) -> None:
        super().__init__(plant, clock_s)
        self.model = model
        self.serial = serial
        self.settings = self._fresh_settings()
        self.upset = Upset()
        self.faults = LinkFaults()
        self.bootloader = False
        self._modes = {
            mode: limits if eis_max_Hz is None else replace(limits, eis_max_Hz=eis_max_Hz)
            for mode, limits in model.modes.items()
        }
        self._reader = LineReader()
        self._upload: tuple[str, list[str]] | None = None
        self._loaded: Script | None = None
        self._run: ScriptRun | None = None
        self._link: ScriptLink | None = None
        self._late: deque[tuple[float, Outgoing]] = deque()
        self._quiet_until_s: float | None = None
        self._quiets = 0
        plant.use_ladder(self._modes[self.settings.mode].ladder)

    def _fresh_settings(self, measurement: int = 0) -> Settings:
        """Return the settings of a start: low speed, the largest potential range."""
        return Settings(potential_index=self.model.potential_index(math.inf), measurement=measurement)

    # -- links ---------------------------------------------------------------------------------------------

    def connect(self, *, permanent: bool = False) -> ScriptLink:
        """Open a connection; one that stands ends. A half-sent line or script goes with the old one."""
        old, self._link = self._link, None
        if old is not None:
            old.say(CLOSING)
        self._reader.clear()
        self._late.clear()
        self._upload = None
        self._link = ScriptLink(self, permanent=permanent)
        self.watch()
        return self._link

    def lost(self, link: ScriptLink) -> None:
        """Note that a connection has ended."""
        if link is self._link:
            self._link = None
            self._late.clear()
            self.watch()

    def drop_link(self) -> None:
        """End the connection from the instrument's side."""
        if self._link is not None:
            self._link.say(CLOSING)

    def hear(self, link: ScriptLink, data: bytes) -> None:
        """Take bytes of a connection; nothing while the instrument is quiet after an error, nor from an old one."""
        if link is not self._link or self.quiet:
            return
        for line in self._reader.feed(data):
            self._line(line)
            if self.quiet:
                self._reader.clear()
                return

    def _say(self, line: str) -> None:
        if self._link is None:
            return
        out = self.faults.on(line.encode("latin-1") + b"\n")
        if out is None:
            return
        if self._late or (out.delay_s > 0.0 and not self._link.keeps_delays):
            self._late.append((self.now_s + out.delay_s, replace(out, delay_s=0.0)))
        else:
            self._link.say(out)

    def _say_late(self, now_s: float) -> None:
        """Say what was held back until now; what stands behind a late line waits with it."""
        while self._late and self._late[0][0] <= now_s + 1e-6 and self._link is not None:
            self._link.say(self._late.popleft()[1])

    # -- quiet time ----------------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Tell whether input is dropped, 50 to 100 ms after a ``!``."""
        if self._quiet_until_s is not None and self.plant_timers and self.now_s >= self._quiet_until_s:
            self._quiet_until_s = None
        return self._quiet_until_s is not None

    def end_quiet(self, number: int) -> None:
        """Say that the quiet time of an error has passed on the link's clock; an older one changes nothing."""
        if number == self._quiets:
            self._quiet_until_s = None

    def _complain(self, text: str) -> None:
        self._say(text)
        self._quiets += 1
        share = abs(self.plant.chance.within("quiet", self._quiets))
        quiet_s = QUIET_MIN_s + (QUIET_MAX_s - QUIET_MIN_s) * share
        self._quiet_until_s = self.now_s + quiet_s
        if self.later is not None:
            self.later(quiet_s, partial(self.end_quiet, self._quiets))

    # -- commands ------------------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        if self._upload is not None:
            self._uploaded(self._upload, line)
        elif not line:
            return  # an empty line flushes whatever stood in the buffer
        elif len(line) > LINE_MAX:
            self._complain(f"{line[0]}!{Code.LINE_TOO_LONG:04X}")
        elif self.bootloader:
            self._say(BOOTLOADER.join(("t", "\nR*"))) if line == "t" else self._unknown(line)
        elif line in ("t", "i", "v", "CM", "CC"):
            self._tell(line)
        elif line in ("e", "l"):
            if self._run is not None:
                self._complain(f"{line}!{Code.WRONG_MODE:04X}")
            else:
                self._upload = (line, [])
        elif line in RUN_WORDS:
            self._command(line, ())
        else:
            self._unknown(line)

    def _unknown(self, line: str) -> None:
        self._complain(f"{line[0]}!{Code.UNKNOWN_COMMAND:04X}")

    def _tell(self, line: str) -> None:
        if self._run is not None:
            self._complain(f"{line[0]}!{Code.WRONG_MODE:04X}")
            return
        model = self.model
        answers = {
            "t": f"t{model.code}{model.version}#{model.build}\n{model.release}*",
            "i": f"i{self.serial}",
            "v": f"v{SCRIPT_VERSION}",
            "CM": f"CM{model.features:024X}",
            "CC": "CC0000",
        }
        for part in answers[line].split("\n"):
            self._say(part)

    def _uploaded(self, upload: tuple[str, list[str]], line: str) -> None:
        command, lines = upload
        if line:
            lines.append(line)
            if sum(map(len, lines)) > 2 * SCRIPT_MAX_BYTES:
                self._upload = None
                self._complain(f"{command}!{Code.SCRIPT_TOO_LARGE:04X}: Line {len(lines)}, Col 1")
            return
        self._upload = None
        self._command(command, lines)

    def _command(self, command: str, lines: Sequence[str]) -> None:
        try:
            accepted = self.perform(command, lines)
        except ScriptError as error:
            self._complain(command + error.text)
            return
        if accepted is not None:
            self._complain(f"{command}!{accepted:04X}")
        elif self.on_accepted is not None:
            self.on_accepted(command, lines)

    def perform(self, command: str, lines: Sequence[str]) -> Code | None:
        """Do what a whole command asks and answer it; returns the code that refuses it.

        Raises: ScriptError for a script that is not accepted.
        """
        run, now_s = self._run, self.act_s
        if command in ("e", "l"):
            script = read_script(lines)
            self._say(command)
            if command == "l":
                self._loaded = script
            else:
                self._begin(script, now_s)
            return None
        if command == "r":
            if run is not None or self._loaded is None:
                return Code.NO_SCRIPT if run is None else Code.WRONG_MODE
            self._say("r")
            self._begin(self._loaded, now_s)
            return None
        if run is None:
            return Code.WRONG_MODE
        if command == "Z":
            self._say("Z")
            run.abort(now_s)
        elif command == "Y":
            if not run.leave_loop(now_s):
                return Code.WRONG_MODE
            self._say("Y")
        elif command == "h":
            self._say("h")
            run.halt(now_s)
        elif not run.halted:
            return Code.WRONG_MODE
        else:
            self._say("H")
            run.resume(now_s)
        self.step(now_s)
        return None

    def _begin(self, script: Script, now_s: float) -> None:
        self._run = ScriptRun(
            script, self.model, self._modes, self.settings, self.plant, self.upset, self._say, now_s
        )
        self.step(now_s)

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """Return the device code."""
        return self.model.code

    @property
    def running(self) -> bool:
        """Tell whether a script runs."""
        return self._run is not None

    @property
    def owned(self) -> bool:
        """Tell whether somebody is connected; of a pseudo terminal nobody can tell, so it counts as such."""
        return self._link is not None

    def due_s(self) -> float:
        """Return when the script has something to do, or a late line goes out."""
        late_s = self._late[0][0] if self._late else math.inf
        return late_s if self._run is None or self._run.halted else min(late_s, self._run.due_s)

    def step(self, now_s: float) -> None:
        """Let the script do all that is due; an error ends it, and whatever drives the cell stays."""
        self._say_late(now_s)
        if self._run is None:
            return
        try:
            self._run.step(now_s)
        except ScriptError as error:
            self._complain(error.text)
        if self._run.ended:
            self._run = None
        self.watch()

    # -- faults --------------------------------------------------------------------------------------------

    def fault(self, kind: str, request: Mapping[str, Any]) -> None:
        """Begin a fault of the instrument or its link, or end it with ``on: false``. Raises: UserInputError."""
        if kind == "clear":
            self.faults.clear()
            return
        known, on = known_kind(kind), bool(request.get("on", True))
        if isinstance(known, DeviceFault):
            self.inject(known, on, int(number(request, "count")) if "count" in request else 1)
        elif on:
            self.faults.arm(known, request)
        else:
            self.faults.disarm(known)

    def of_the_link(self, kind: str) -> bool:
        """Tell whether a fault belongs to a connection, which ends with the process."""
        return kind not in DeviceFault.__members__.values()

    def inject(self, kind: DeviceFault, on: bool, count: int) -> None:
        """Begin or end a fault of the instrument itself."""
        now_s = self.act_s
        if kind is DeviceFault.CRITICAL_OVERLOAD:
            self.upset.code = Code.CRITICAL_OVERLOAD if on else None
        elif kind is DeviceFault.OSCILLATING:
            self.upset.code = Code.OSCILLATING if on else None
        elif kind is DeviceFault.TIMING:
            self.upset.timing_points = count if on else 0
        elif kind is DeviceFault.BOOTLOADER:
            self.lose_power()
            self.bootloader = on
        elif kind is DeviceFault.WELDED:
            self.plant.set_welded(on, now_s)
            self.watch()
        elif kind is DeviceFault.POWER_CUT:
            self.lose_power()
        else:
            is_open = kind is DeviceFault.OPEN_LEAD
            self.plant.set_leads(now_s, is_open=on and is_open, shorted=on and not is_open)

    def lose_power(self) -> None:
        """Restart: the script is gone, the relay falls open, the settings are those of a fresh start."""
        self._run, self._loaded, self._upload = None, None, None
        self._quiet_until_s = None
        self._reader.clear()
        self.settings = self._fresh_settings(self.settings.measurement)
        self.plant.use_galvanostat(False, self.act_s)
        self.plant.use_ladder(self._modes[self.settings.mode].ladder)
        if self.plant.is_on:
            self.plant.cell_off(self.act_s)
        self.drop_link()
        self.watch()

    def truth(self, after: int = 0) -> Mapping[str, Any]:
        """Return what the instrument really does and did, and how many loops it has measured."""
        measured = {"model": self.model.code, "measurements": self.settings.measurement}
        return {**super().truth(after), **measured}
