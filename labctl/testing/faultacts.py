"""Puts the faults of a story into the world: one method per fault id of safety-and-faults, section 7.

Each fault gets its own dice, so that leaving one out changes no other. A fault says what it is, until when it lasts
and, where that is known only later, whether it has met anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from labctl.engine import hooks
from labctl.model.ids import ChannelId
from labctl.testing.faultstory import PlannedFault
from labctl.testing.faultworld import BYTE_FAULTS, Injected, World
from labctl.transport.faults import Fault, FaultKind, Garbling, Side

REQUEST = (
    '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0"><cmd>{command}</cmd><list count="1"><{command} '
    'ip="127.0.0.1" devtype="27" devid="{devid}" subdevid="{unit}" chlid="{channel}"{more}>true</{command}>'
    "</list></bts>\n\n#\r\n"
)
HEAD_BYTES = 38
"""Byte faults fall into the XML declaration, garbled bytes into its first two, where they always spoil it: a flipped
digit inside a value would be another true reading, since the wire carries no checksum (neware-bts 1.2)."""
TRIP_V = 2.6
"""Beyond the channel limits of the fault bench, and plausible: a true reading as far as anybody can tell."""
ROOM_BYTES = 300
NONSENSE = 400
"""Replies spoilt at most while an instrument talks nothing but nonsense."""
OF_THE_COMPUTER = frozenset({"F15", "F16", "F18", "F19", "F21", "F22", "F23", "F24", "F30", "F32", "F43"})
"""Faults that concern no instrument of their own, or all of them."""
OF_THE_DEVICE = frozenset({"F12", "F13", "F14", "F28", "F29", "F42"})
"""Faults of a channel: they meet something where it works."""


STRANGERS = ("stop", "setpause", "setpause", "start", "start", "station", "force", "goto", "goto")
"""What somebody else may do: to a channel, in place of our own start, or as a second station."""


class Subject(Protocol):
    """What the acts may ask of the station under test, as persons and clients do."""

    def slow_client(self) -> bool: ...
    def correct_area(self, channel: ChannelId) -> bool: ...
    def edit_protocol(self, channel: ChannelId) -> bool: ...
    def tamper(self) -> None: ...
    def two_operators(self, channel: ChannelId) -> bool: ...
    def stop_all(self, lasts_s: float) -> bool: ...
    def steer(self, channel: ChannelId, what: str) -> bool: ...
    def second_station(self, instrument: str, *, by_force: bool) -> None: ...


class Injector:
    """Does planned faults. ``skipped`` counts those that found nothing to disturb."""

    def __init__(self, world: World, subject: Subject) -> None:
        self.world = world
        self.subject = subject
        self.skipped = 0
        self._clears: dict[str, int] = {}
        self._special: Mapping[str, Callable[[PlannedFault, random.Random], Injected | None]] = {
            "F05": self._nonsense,
            "F07": self._outage, "F08": self._reboot, "F09": self._long_outage, "F10": self._overrun,
            "F11": self._counter, "F12": self._capacity, "F13": self._bad_value, "F13.trip": self._beyond_limit,
            "F14": self._freeze, "F15": self._clock, "F16": self._sleep, "F18": self._disk_full,
            "F19": self._disk_error, "F21": self._power_cut, "F22": self._bit_rot, "F23": self._slow_client,
            "F24": self._sigkill, "F27": self._stranger, "F28": self._contact, "F29": self._swap,
            "F30": self._area, "F32": self._edit, "F41": self._unknown, "F42": self._clamp, "F43": self._two,
            "F44": self._flood, "stop-all": self._stop_all, "pause": self._steer, "skip": self._steer,
            "stop": self._steer,
        }  # fmt: skip

    def do(self, planned: PlannedFault) -> None:
        """Put one fault in. Raises: PowerCut for those that end the process."""
        dice = random.Random(planned.dice)
        special = self._special.get(planned.fid)
        done = special(planned, dice) if special is not None else self._byte_fault(planned.fid, planned, dice)
        if done is None:
            self.skipped += 1

    def _begin(
        self, planned: PlannedFault, lasts_s: float, what: str, *, hit: bool = False, channel: bool = True
    ) -> Injected:
        now_s, fid = self.world.now_s, planned.fid.split(".")[0]
        return self.world.inject(
            Injected(
                fid, now_s, now_s + lasts_s, str(planned.channel) if channel else "",
                "" if fid in OF_THE_COMPUTER else _instrument(planned.channel), what, hit,
                at_work=fid in OF_THE_DEVICE and self._status(planned) == "working",
            )
        )  # fmt: skip

    def _admin(self, planned: PlannedFault, kind: str, **fields: Any) -> None:
        instrument = _instrument(planned.channel)
        self.world.admin("fault", instrument=instrument, kind=kind, slot=str(planned.channel), **fields)

    def _later(self, planned: PlannedFault, after_s: float, kind: str) -> None:
        """Switch a device fault off later, unless it has been begun anew meanwhile."""
        key = f"{planned.channel} {kind}"
        self._clears[key] = mine = self._clears.get(key, 0) + 1

        def clear() -> None:
            if self._clears[key] == mine:
                self._admin(planned, kind, on=False)

        self.world.at(self.world.now_s + after_s, clear)

    # -- wires ------------------------------------------------------------------------------------------------------

    def _nonsense(self, planned: PlannedFault, dice: random.Random) -> Injected:
        """Spoil one reply, or all replies for a while: an instrument that talks nonsense."""
        if dice.random() < 0.75:
            return self._byte_fault("F05", planned, dice)
        lasts_s = dice.uniform(1200.0, 3600.0)
        injected = self._begin(planned, lasts_s, "nothing but nonsense", channel=False)
        for _ in range(NONSENSE):
            fault = Fault(FaultKind.GARBLE, byte=0, garbling=Garbling.LOSE)
            self.world.arm(_instrument(planned.channel), "", fault, injected)
        return injected

    def _byte_fault(
        self, fid: str, planned: PlannedFault, dice: random.Random, command: str = ""
    ) -> Injected:
        kind = dice.choice(BYTE_FAULTS[fid])
        whole = kind in (FaultKind.LATE, FaultKind.DUPLICATE, FaultKind.MERGE)
        fault = Fault(
            kind,
            side=Side.REQUEST
            if kind in (FaultKind.DROP, FaultKind.HANG) and dice.random() < 0.3
            else Side.REPLY,
            byte=0 if whole else dice.randrange(2 if kind is FaultKind.GARBLE else HEAD_BYTES),
            garbling=dice.choice(list(Garbling)),
            bit=dice.randrange(8),
            noise=dice.randbytes(dice.randint(1, 4)),
            size=dice.randint(1, 400),
            delay_s=dice.choice([0.5, 5.0, 45.0]),
            opens_refused=dice.choice([0, 0, 1, 3]) if kind is FaultKind.DROP else 0,
        )
        injected = self._begin(planned, 400.0, str(fault), channel=False)
        self.world.arm(_instrument(planned.channel), command, fault, injected)
        return injected

    def _outage(self, planned: PlannedFault, dice: random.Random) -> Injected:
        lasts_s, silent = dice.uniform(20.0, 600.0), dice.random() < 0.5
        injected = self._begin(planned, lasts_s, "half-open" if silent else "closed", channel=False)
        self.world.outage(_instrument(planned.channel), injected.until_s, injected, silent=silent)
        return injected

    def _long_outage(self, planned: PlannedFault, dice: random.Random) -> Injected:
        lasts_s = dice.uniform(900.0, 5400.0)
        injected = self._begin(planned, lasts_s, "cable out", channel=False)
        self.world.outage(_instrument(planned.channel), injected.until_s, injected, silent=False)
        return injected

    def _overrun(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        if self._status(planned) != "working":
            return None
        lasts_s = dice.uniform(900.0, 1800.0)
        injected = self._begin(planned, lasts_s, "rows lost in an outage")
        cable = Injected("F09", self.world.now_s, injected.until_s, what="cable out before rows are lost")
        self.world.outage(_instrument(planned.channel), injected.until_s, cable, silent=False)

        def lose() -> None:
            before = self.world.truth(str(planned.channel))
            if before["status"] == "working":
                self._admin(planned, "overrun", records=dice.randint(1, 20))
                injected.hit = True

        self.world.at(self.world.now_s + lasts_s - 30.0, lose)
        return injected

    def _unknown(self, planned: PlannedFault, dice: random.Random) -> Injected:
        """Lose the answer to the next start or stop: sent, taken, nobody knows."""
        command = dice.choice(["start", "start", "stop"])
        kind = dice.choice([FaultKind.HANG, FaultKind.HANG, FaultKind.DROP])
        side = Side.REPLY if dice.random() < (0.7 if command == "start" else 0.3) else Side.REQUEST
        injected = self._begin(planned, 7200.0, f"{kind} {side} of {command}", channel=False)
        self.world.arm(_instrument(planned.channel), command, Fault(kind, side=side), injected)
        return injected

    def _flood(self, planned: PlannedFault, dice: random.Random) -> Injected:
        """Many faults within a minute: replies spoilt one after the other, and a link that flaps."""
        injected = self._begin(planned, 500.0, "flood", channel=False)
        for number in range(12):
            fid, seed = dice.choice(list(BYTE_FAULTS)), dice.randrange(2**31)
            act = partial(self._byte_fault, fid, planned, random.Random(seed))
            self.world.at(self.world.now_s + 5.0 * number, act)
        return injected

    # -- devices ----------------------------------------------------------------------------------------------------

    def _status(self, planned: PlannedFault) -> str:
        return str(self.world.truth(str(planned.channel))["status"])

    def _reboot(self, planned: PlannedFault, dice: random.Random) -> Injected:
        injected = self._begin(planned, 0.0, "reboot", hit=True, channel=False)
        self._admin(planned, "reboot")
        return injected

    def _counter(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        before = self.world.truth(str(planned.channel))
        if before["status"] != "working":
            return None
        self._admin(planned, "counter_reset")
        return self._begin(planned, 0.0, f"cycle counter {before['cycle']} set to 1", hit=before["cycle"] > 2)

    def _capacity(self, planned: PlannedFault, dice: random.Random) -> Injected:
        kind = dice.choice(["cap_forget", "cap_wrap", "cap_reset"])
        lasts_s = dice.uniform(600.0, 2400.0)
        self._admin(planned, kind, **({"at_Ah": 1e-5} if kind == "cap_wrap" else {}))
        self._later(planned, lasts_s, kind)
        return self._begin(planned, lasts_s, kind)

    def _bad_value(self, planned: PlannedFault, dice: random.Random) -> Injected:
        field = dice.choice(["volt_V", "curr_A", "cap_Ah", "eng_Wh"])
        value = dice.choice(["nan", "inf", "-inf", 1e9, -1e9]) if field in ("volt_V", "curr_A") else "nan"
        lasts_s = dice.uniform(25.0, 400.0)
        self._admin(planned, "bad_value", field=field, value=value)
        self._later(planned, lasts_s, "bad_value")
        return self._begin(planned, lasts_s, f"{field} {value}")

    def _beyond_limit(self, planned: PlannedFault, dice: random.Random) -> Injected:
        value_V = dice.choice([-1.0, 1.0]) * (TRIP_V if dice.random() < 0.5 else 4.9)
        self._admin(planned, "bad_value", field="volt_V", value=value_V)
        self._later(planned, 600.0, "bad_value")
        return self._begin(planned, 600.0, f"beyond limit {value_V}")

    def _freeze(self, planned: PlannedFault, dice: random.Random) -> Injected:
        self._admin(planned, "freeze")
        self._later(planned, 2400.0, "freeze")
        return self._begin(planned, 2400.0, "frozen")

    def _contact(self, planned: PlannedFault, dice: random.Random) -> Injected:
        lasts_s = dice.uniform(120.0, 900.0)
        self._admin(planned, "open_contact")
        self._later(planned, lasts_s, "open_contact")
        return self._begin(planned, lasts_s, "contact lost")

    def _swap(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        held = self.world.truth(str(planned.channel))["cell"]
        if held is None or held["cell_id"] == "SPARE":
            return None
        self.world.admin("cell.swap", slot=str(planned.channel), cell="SPARE")
        return self._begin(planned, 0.0, f"SPARE in place of {held['cell_id']}")

    def _clamp(self, planned: PlannedFault, dice: random.Random) -> Injected:
        self._admin(planned, "clamp", current_A=5e-5)
        self._later(planned, 1800.0, "clamp")
        return self._begin(planned, 1800.0, "current clamped")

    def _stranger(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        """Let a program of somebody else stop or pause a test, or take a channel at the moment of our start."""
        world, channel = self.world, str(planned.channel)
        what = dice.choice(STRANGERS)
        if what in ("station", "force"):
            self.subject.second_station(_instrument(planned.channel), by_force=what == "force")
            return self._begin(planned, 0.0, f"a second station, by {what}", hit=True, channel=False)
        if what == "start":
            injected = self._begin(planned, 7200.0, "a stranger's start in place of ours")
            world.steal_start = (channel, f"stranger-{planned.dice}", injected)
            return injected
        if self._status(planned) != "working":
            return None
        unit, _, number = channel.partition(":")[2].partition("-")
        more = {"setpause": ' cycleid="-1" stepid="-1"', "goto": f' step="{dice.randint(1, 3)}"'}.get(
            what, ""
        )
        devid = 33 if channel.startswith("neware") else 34
        text = REQUEST.format(command=what, devid=devid, unit=unit, channel=number, more=more)
        injected = self._begin(planned, 0.0, f"a stranger's {what}{more}", hit=True)
        world.stranger(_instrument(planned.channel), text.encode())
        return injected

    # -- the computer -----------------------------------------------------------------------------------------------

    def _clock(self, planned: PlannedFault, dice: random.Random) -> Injected:
        if dice.random() < 0.3:
            self._admin(planned, "clock_jump", shift_s=dice.choice([3600, -3600, 3 * 365 * 86400]))
            return self._begin(planned, 0.0, "the tester's clock", channel=False)
        self.world.wall_s += dice.choice([3600.0, -3600.0, 3 * 365 * 86400.0, 7.0, -7.0])
        return self._begin(planned, 0.0, "wall clock", hit=True, channel=False)

    def _sleep(self, planned: PlannedFault, dice: random.Random) -> Injected:
        lasts_s = dice.uniform(300.0, 3600.0)
        asleep_s = max((fault.until_s for fault in self.world.faults if fault.fid == "F16"), default=0.0)
        behind_s = max(0.0, asleep_s - self.world.now_s)  # it sleeps already: it wakes later by so much
        injected = self._begin(planned, behind_s + lasts_s, "sleep", hit=True, channel=False)
        self.world.slept_s += lasts_s
        self.world.wall_s += lasts_s
        self.world.boot_s += lasts_s
        self.world.set_timers(self.world.timer)
        return injected

    def _disk_full(self, planned: PlannedFault, dice: random.Random) -> Injected:
        lasts_s = dice.uniform(60.0, 400.0)
        self.world.disk.quota_bytes = self.world.disk.used_bytes + ROOM_BYTES
        self._restore_disk(lasts_s)
        injected = self._begin(planned, lasts_s, "disk full", channel=False)
        self.world.disk.blame = injected
        return injected

    def _restore_disk(self, after_s: float) -> None:
        def restore() -> None:
            self.world.disk.quota_bytes = None

        self.world.at(self.world.now_s + after_s, restore)

    def _disk_error(self, planned: PlannedFault, dice: random.Random) -> Injected:
        self.world.disk.failing = dice.choice([1, 1, 1, 2, 3])
        injected = self._begin(planned, 300.0, f"{self.world.disk.failing} operations fail", channel=False)
        self.world.disk.blame = injected

        def met() -> None:
            """The error waits for the next operation, which may come late: from then on there is time to tell."""
            injected.until_s = max(injected.until_s, self.world.now_s)

        self.world.disk.on_error = met
        return injected

    def _power_cut(self, planned: PlannedFault, dice: random.Random) -> Injected:
        injected = self._begin(planned, 0.0, "power cut in a disk operation", hit=True, channel=False)
        self.world.power = True
        self.world.disk.cut_in = dice.randint(1, 12)
        return injected

    def _sigkill(self, planned: PlannedFault, dice: random.Random) -> Injected:
        """Kill the process now, or when it next passes a named point of the engine."""
        injected = self._begin(planned, 0.0, "SIGKILL", channel=False)
        if dice.random() < 0.4:
            injected.hit = True
            self.world.kill(power=False)
        self._kill_at(dice.choice(hooks.POINTS), injected)
        return injected

    def _kill_at(self, name: str, injected: Injected) -> None:
        world, life = self.world, self.world.life

        def on_point(point: str) -> None:
            if point == name and world.life == life and not world.dead:
                hooks.on_point = None
                injected.hit = True
                world.kill(power=False)

        injected.what = f"SIGKILL at {name}"
        hooks.on_point = on_point

    def _bit_rot(self, planned: PlannedFault, dice: random.Random) -> Injected:
        """Leave a bit to rot; judged on a copy at the end, because nothing may write on over damaged rows."""
        injected = self._begin(planned, 0.0, "one bit of the record", hit=True, channel=False)
        self.world.rotten.append(planned.dice)
        return injected

    # -- persons and clients ----------------------------------------------------------------------------------------

    def _slow_client(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        if not self.subject.slow_client():
            return None
        return self._begin(planned, 0.0, "a client that stops reading", hit=True, channel=False)

    def _stop_all(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        """Stop all outputs for a while: an act of a person, and no fault."""
        self.subject.stop_all(dice.uniform(600.0, 1800.0))
        return None

    def _steer(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        """Pause, skip or stop: an act of a person, and no fault."""
        self.subject.steer(planned.channel, planned.fid)
        return None

    def _area(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        return (
            self._begin(planned, 0.0, "area corrected", hit=True)
            if self.subject.correct_area(planned.channel)
            else None
        )

    def _edit(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        if dice.random() < 0.6:
            self.subject.tamper()
            return self._begin(planned, 7200.0, "step file edited", channel=False)
        if not self.subject.edit_protocol(planned.channel):
            return None
        return self._begin(planned, 0.0, "protocol edited", hit=True)

    def _two(self, planned: PlannedFault, dice: random.Random) -> Injected | None:
        if not self.subject.two_operators(planned.channel):
            return None
        return self._begin(planned, 0.0, "two operators", hit=True)


def _instrument(channel: ChannelId) -> str:
    return str(channel).partition(":")[0]
