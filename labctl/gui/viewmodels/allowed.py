"""What may be done now, and why not in words (R5); the station decides again, this only saves a refused act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from labctl.gui.viewmodels.batches import LinkPhase
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.words import JOB_WORDS, channel_word, role_word, tr
from labctl.model.alarm import Alarm, AlarmPriority, AlarmState
from labctl.model.bench import ChannelStatus, LinkState
from labctl.model.job import ACTIVE_STATES, Job, JobState
from labctl.model.person import Role

ROLES: Mapping[str, Role] = {
    "channels.reset": Role.CONFIGURE, "alarms.disable": Role.CONFIGURE, "alarms.enable": Role.CONFIGURE,
    "instruments.ask_new": Role.CONFIGURE, "instruments.add": Role.CONFIGURE,
    "notify.test": Role.CONFIGURE, "people.add": Role.ADMIN, "people.revoke": Role.ADMIN,
}  # fmt: skip
"""Acts that need more than an operator."""
READS = frozenset({
    "list", "get", "records", "table", "series", "cycles", "events", "revisions", "info", "hello", "page", "figures",
    "definitions", "calendar", "check", "status", "history", "verify", "latest_cycles", "predicted", "protocol",
    "standing", "newest",
})  # fmt: skip
ENERGISING = frozenset({"queue.submit", "runs.resume", "runs.skip"})
_LIVE_PHASES = frozenset({"prepared", "waiting", "starting", "running", "paused", "stale", "unknown", "deciding",
                          "stopping", "draining", "held", "at potentiostat"})  # fmt: skip
STANDING = frozenset({AlarmState.UNACK, AlarmState.ACKED, AlarmState.RTN_UNACK})
UNSEEN = frozenset({AlarmState.UNACK, AlarmState.RTN_UNACK})


def runs_now(status: ChannelStatus) -> bool:
    """Tell whether a run owns the channel."""
    return bool(status.run_id) and status.state in _LIVE_PHASES


def is_free(status: ChannelStatus) -> bool:
    """Tell whether a channel has neither cell nor run and could take one."""
    return not status.cell_id and not runs_now(status) and status.state not in ("unknown", "absent")


def general(lab: Lab, verb: str) -> str:
    """Return why nothing of this kind can be done now: link, rights. Empty = it may.

    Stop all outputs is never refused here: it tries its own path (R13).
    """
    if verb == "station.stop_all":
        return ""
    link = lab.link
    if link.state is LinkPhase.REFUSED:
        return link.text or tr("allowed", "The station does not let this window in.")
    if not link.live:
        return tr("allowed", "The station does not answer; acts are off until it is back.")
    needed = Role.VIEW if verb.rpartition(".")[2] in READS else ROLES.get(verb, Role.OPERATE)
    if not lab.me.role.may(needed):
        told = tr("allowed", "This needs the role {needed}; {name} has {role}.")
        name = lab.me.name or tr("allowed", "this person")
        return told.format(needed=role_word(needed), name=name, role=role_word(lab.me.role))
    if verb in ENERGISING and lab.stop_all.active:
        return tr("allowed", "Stop all is active, by {name}: release it first.").format(
            name=lab.stop_all.by or "?"
        )
    return ""


def channel_why_not(lab: Lab, verb: str, channel: str) -> str:
    """Return why an act on a channel is not possible now; empty = it is."""
    refusal = general(lab, verb)
    if refusal:
        return refusal
    status = lab.channels.get(channel)
    if status is None:
        return tr("allowed", "The station knows no channel {name}.").format(name=channel)
    rule = _CHANNEL_RULES.get(verb)
    return "" if rule is None else rule(lab, status)


def _needs_run(lab: Lab, status: ChannelStatus) -> str:
    if not runs_now(status):
        return tr("allowed", "Nothing runs on {name}.").format(name=label_of(lab, status.channel))
    return _box(lab, status)


def _box(lab: Lab, status: ChannelStatus) -> str:
    box = lab.instruments.get(status.channel.partition(":")[0])
    if box is not None and box.link is not LinkState.LIVE:
        return tr("allowed", "{name} does not answer now.").format(name=box.name)
    return ""


def _phase(*wanted: str) -> Callable[[Lab, ChannelStatus], str]:
    def rule(lab: Lab, status: ChannelStatus) -> str:
        missing = _needs_run(lab, status)
        if missing or status.state in wanted:
            return missing
        told = tr("allowed", "{name} is {state}, not {wanted}.")
        names = " / ".join(channel_word(state).short for state in wanted)
        return told.format(
            name=label_of(lab, status.channel), state=channel_word(status.state).short, wanted=names
        )

    return rule


def _start(lab: Lab, status: ChannelStatus) -> str:
    name = label_of(lab, status.channel)
    if runs_now(status):
        return tr("allowed", "{name} is running.").format(name=name)
    if status.tripped:
        return tr("allowed", "{name} is latched by a trip: reset it first.").format(name=name)
    if not status.cell_id:
        return tr("allowed", "No cell is in {name}.").format(name=name)
    if status.state == "unknown":
        return tr("allowed", "Nobody knows what {name} does.").format(name=name)
    return _box(lab, status)


def _load(lab: Lab, status: ChannelStatus) -> str:
    if runs_now(status):
        return tr("allowed", "{name} is running.").format(name=label_of(lab, status.channel))
    if status.cell_id:
        told = tr("allowed", "{cell} is still in {name}: take it out first.")
        return told.format(cell=status.cell_name or status.cell_id, name=label_of(lab, status.channel))
    return ""


def _eject(lab: Lab, status: ChannelStatus) -> str:
    if runs_now(status):
        return tr("allowed", "{name} is running.").format(name=label_of(lab, status.channel))
    return (
        ""
        if status.cell_id
        else tr("allowed", "No cell is in {name}.").format(name=label_of(lab, status.channel))
    )


def _reset(lab: Lab, status: ChannelStatus) -> str:
    if not status.tripped and not status.lane:
        return tr("allowed", "{name} is neither tripped nor held.").format(name=label_of(lab, status.channel))
    unseen = [
        alarm for alarm in lab.alarms.values() if alarm.channel == status.channel and alarm.state in UNSEEN
    ]
    if unseen:
        return tr("allowed", "Reset: acknowledge first.")
    return ""


def _spectrum(lab: Lab, status: ChannelStatus) -> str:
    """A spectrum out of turn needs a run, a potentiostat that takes the channel, and no other spectrum of this run."""
    missing = _needs_run(lab, status)
    if missing:
        return missing
    if status.run_id in lab.handovers:
        return tr("allowed", "A spectrum of this cell waits or runs already.")
    if not potentiostats_for(lab, status.channel):
        return tr("allowed", "No potentiostat takes the cell of {name}.").format(
            name=label_of(lab, status.channel)
        )
    return ""


def potentiostats_for(lab: Lab, channel: str) -> tuple[str, ...]:
    """Return the potentiostats to which the cell of a channel can come."""
    return tuple(
        one.name for one in lab.potentiostats.values() if not one.channels or channel in one.channels
    )


_CHANNEL_RULES: Mapping[str, Callable[[Lab, ChannelStatus], str]] = {
    "runs.stop": lambda lab, status: (
        ""
        if runs_now(status)
        else tr("allowed", "Nothing runs on {name}.").format(name=label_of(lab, status.channel))
    ),
    "runs.pause": _phase("running"),
    "runs.pause_at_step_end": _phase("running"),
    "runs.skip": _phase("running"),
    "runs.resume": _phase("paused"),
    "runs.note": _needs_run,
    "runs.take_spectrum": _spectrum,
    "queue.submit": _start,
    "channels.load": _load,
    "channels.eject": _eject,
    "channels.reset": _reset,
}


def selection_why_not(lab: Lab, verb: str, channels: Iterable[str], label: str) -> str:
    """Return why an act is off for a selection, counted: "Start is off: 4 of 4 are running". Empty = all may.

    ``label`` is the act as the button says it. One that cannot turns the act off for all: nobody wonders which were
    left out.
    """
    chosen = list(channels)
    if not chosen:
        return tr("allowed", "Nothing is selected.")
    reasons = [reason for reason in (channel_why_not(lab, verb, channel) for channel in chosen) if reason]
    if not reasons:
        return ""
    if len(chosen) == 1:
        return tr("allowed", "{act} is off: {reason}").format(act=label, reason=reasons[0])
    running = sum(
        1 for channel in chosen if (found := lab.channels.get(channel)) is not None and runs_now(found)
    )
    if verb in ("queue.submit", "channels.load", "channels.eject") and running == len(reasons):
        told = tr("allowed", "{act} is off: {n} of {all} are running")
        return told.format(act=label, n=running, all=len(chosen))
    if len(set(reasons)) == 1 and len(reasons) == len(chosen):
        return tr("allowed", "{act} is off: {reason}").format(act=label, reason=reasons[0])
    told = tr("allowed", "{act} is off for {n} of {all}: {reason}")
    return told.format(act=label, n=len(reasons), all=len(chosen), reason=reasons[0])


def job_why_not(lab: Lab, verb: str, job: Job) -> str:
    """Return why an act on a queued job is not possible now; empty = it is."""
    refusal = general(lab, verb)
    if refusal:
        return refusal
    word = JOB_WORDS[job.state].short
    waits = job.state in (JobState.WAITING, JobState.HELD)
    if verb in ("queue.move", "queue.prioritise", "queue.remove", "queue.edit") and not waits:
        return tr("allowed", "{job} is {state}; only what waits can be changed.").format(
            job=job.job_id, state=word
        )
    if verb == "queue.hold" and job.state is not JobState.WAITING:
        return tr("allowed", "{job} is {state}; only what waits can be held.").format(
            job=job.job_id, state=word
        )
    if verb == "queue.release" and job.state is not JobState.HELD:
        return tr("allowed", "{job} is not held.").format(job=job.job_id)
    if verb == "queue.retry" and job.state is not JobState.FAILED:
        return tr("allowed", "{job} has not failed.").format(job=job.job_id)
    if verb == "runs.stop" and job.state not in ACTIVE_STATES:
        return tr("allowed", "{job} does not run.").format(job=job.job_id)
    return ""


def alarm_why_not(lab: Lab, verb: str, alarm: Alarm) -> str:
    """Return why an act on an alarm is not possible now; empty = it is."""
    refusal = general(lab, verb)
    if refusal:
        return refusal
    critical = alarm.priority is AlarmPriority.CRITICAL
    if verb == "alarms.acknowledge" and alarm.state not in UNSEEN:
        who = alarm.acknowledged_by
        if who:
            return tr("allowed", "{name} has acknowledged it.").format(name=who)
        return tr("allowed", "There is nothing to acknowledge.")
    if verb == "alarms.shelve":
        if critical:
            return tr("allowed", "Shelve: not for critical.")
        if alarm.state in (AlarmState.SHELVED, AlarmState.DISABLED):
            return tr("allowed", "It is out of the list already.")
    if verb == "alarms.disable" and critical:
        return tr("allowed", "A critical alarm stays in service.")
    if verb == "alarms.unshelve" and alarm.state is not AlarmState.SHELVED:
        return tr("allowed", "It is not shelved.")
    if verb == "alarms.enable" and alarm.state is not AlarmState.DISABLED:
        return tr("allowed", "It is in service.")
    if verb == "channels.reset":
        if not alarm.channel:
            return tr("allowed", "This alarm is of no channel.")
        return channel_why_not(lab, verb, alarm.channel)
    return ""


def short_id(channel: str) -> str:
    """Return a channel as its rack says it: ``neware:1-3`` is ``1-3``. Two racks may have one: see ``label_of``."""
    return channel.partition(":")[2] or channel


def label_of(lab: Lab, channel: str) -> str:
    """Return a channel as people say it: ``1-3``, with its rack where several have it: ``2:1-3``."""
    return cabinet(lab.channels).label(channel)
