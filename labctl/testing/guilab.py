"""A window's picture of a station without a station: for tests and benchmarks of the view-models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labctl.gui.viewmodels.acts import Failed, Then, Trouble
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase, Me
from labctl.gui.viewmodels.lab import Lab
from labctl.model.alarm import Alarm, AlarmKey, AlarmPriority, AlarmState
from labctl.model.bench import ChannelStatus, Delta, InstrumentStatus, LinkState
from labctl.model.cell import Cell, CellKind
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import Job, JobId, JobSpec, JobState
from labctl.model.person import Role
from labctl.model.plain import to_plain


class TurnedClock:
    """Link time that a test turns by hand."""

    def __init__(self, s: float = 100.0) -> None:
        self.s = s

    def __call__(self) -> float:
        return self.s


@dataclass(slots=True)
class Asked:
    """One question to the station, as a test sees it; ``then`` and ``failed`` are for the test to call."""

    verb: str
    args: tuple[Any, ...]
    words: dict[str, Any]
    then: Then
    failed: Failed
    deadline_s: float


@dataclass
class FakeAsks:
    """Keeps every question. ``answers`` answers at once: a value, a ``Trouble``, or a function of the arguments."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def ask(
        self,
        verb: str,
        /,
        *args: Any,
        then: Then | None = None,
        failed: Failed | None = None,
        deadline_s: float = 10.0,
        **words: Any,
    ) -> None:
        """Keep the question and answer it where an answer is known. Raises: TypeError for what no client takes."""
        inspect.signature(method_of(verb)).bind(None, *args, **words)
        question = Asked(verb, args, words, then or _nothing, failed or _nothing, deadline_s)
        self.asked.append(question)
        if verb not in self.answers:
            return
        answer = self.answers[verb]
        found = answer(*args, **words) if callable(answer) else answer
        if isinstance(found, Trouble):
            question.failed(found)
        else:
            question.then(found)

    def of(self, verb: str) -> list[Asked]:
        """Return the questions with this verb, oldest first."""
        return [question for question in self.asked if question.verb == verb]

    @property
    def verbs(self) -> list[str]:
        """Return the verbs, oldest first."""
        return [question.verb for question in self.asked]


def method_of(verb: str) -> Callable[..., Any]:
    """Return the client's method behind a verb. Raises: AttributeError, KeyError where there is none."""
    from labctl.api.client.aio import bench, impedance, jobs, people, protocols, registry, runs, station

    places: dict[str, type] = {
        "station": station.AsyncStation, "queue": jobs.AsyncQueue, "runs": runs.AsyncRuns,
        "cells": registry.AsyncCells, "electrodes": registry.AsyncElectrodes, "batches": registry.AsyncBatches,
        "channels": bench.AsyncChannels, "chambers": bench.AsyncChambers, "instruments": bench.AsyncInstruments,
        "protocols": protocols.AsyncProtocols, "alarms": people.AsyncAlarms, "people": people.AsyncPeople,
        "audit": people.AsyncAudit, "notify": people.AsyncNotify, "potentiostats": impedance.AsyncPotentiostats,
        "handovers": impedance.AsyncHandovers, "spectra": impedance.AsyncSpectra,
    }  # fmt: skip
    place, _, name = verb.partition(".")
    found: Callable[..., Any] = getattr(places[place], name)
    return found


def _nothing(value: Any) -> None:
    """Take an answer that nobody waits for."""


def a_lab(clock: Callable[[], float] | None = None, role: Role = Role.OPERATE, person: str = "chen") -> Lab:
    """Return a lab with a live link and nothing in it."""
    clock = clock or TurnedClock()
    lab = Lab(clock)
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, clock(), me=Me(person, role)), reset=True))
    return lab


def tell(lab: Lab, *values: object, reset: bool = False) -> None:
    """Tell a lab about channels, jobs, alarms and instruments, in one batch."""
    lab.apply(Batch(tuple(_delta(number, value) for number, value in enumerate(values, 1)), reset=reset))


def _delta(number: int, value: object) -> Delta:
    if isinstance(value, Delta):
        return value
    places: Mapping[type, tuple[str, str]] = {
        ChannelStatus: ("channel", "channel"), Job: ("job", "job_id"), Alarm: ("alarm", "key"),
        InstrumentStatus: ("instrument", "name"), PotentiostatStatus: ("potentiostat", "name"),
        HandoverStatus: ("handover", "run_id"), SpectrumEntry: ("spectrum", "spectrum_id"),
    }  # fmt: skip
    topic, name = places[type(value)]
    return Delta(number, topic, str(getattr(value, name)), to_plain(value))


def running(channel: str, cell: str = "C0001", state: str = "running", **words: Any) -> ChannelStatus:
    """Return the status of a channel with a run; its step is what the current says unless ``step_kind`` is given."""
    full = {"voltage_V": 3.7, "current_A": 1e-3, "cycle": 12, "cycles": 500, "protocol": "LFP-0.5C", **words}
    kind = "CC-CHG" if full["current_A"] > 0 else "CC-DIS" if full["current_A"] < 0 else "REST"
    full = {"step_number": 2, "steps": 4, "step_kind": kind, **full}
    run = full.pop("run_id", f"run-{channel.replace(':', '-')}")
    return ChannelStatus(ChannelId(channel), state, cell, cell, True, run, **full)


def empty(channel: str, **words: Any) -> ChannelStatus:
    """Return the status of a channel without a cell."""
    return ChannelStatus(ChannelId(channel), words.pop("state", "idle"), **words)


def alarm(
    key: str, priority: AlarmPriority = AlarmPriority.HIGH, state: AlarmState = AlarmState.UNACK, **words: Any
) -> Alarm:
    """Return an alarm."""
    definition, _, subject = key.partition(":")
    told = {"text": f"{definition} of {subject}", "what_to_do": "Look at it.", "since_utc": "2026-04-21T01:38:00+00:00",
            **words}  # fmt: skip
    return Alarm(AlarmKey(key), definition, subject, state, priority, **told)


def job(job_id: str, state: JobState = JobState.WAITING, cell: str = "C0001", **words: Any) -> Job:
    """Return a job."""
    spec = words.pop("spec", None) or JobSpec(CellId(cell), protocol="LFP-0.5C")
    full = {"protocol_name": "LFP-0.5C", "protocol_hash": "a91f", "submitted_by": "chen",
            "submitted_utc": "2026-04-21T00:00:00+00:00", **words}  # fmt: skip
    return Job(JobId(job_id), spec, state, full.pop("version", 1), **full)


def cell(cell_id: str, kind: CellKind = CellKind.LFP_LI, **words: Any) -> Cell:
    """Return a registered cell."""
    return Cell(CellId(cell_id), words.pop("name", cell_id), kind, **words)


def box(name: str, channels: int, link: LinkState = LinkState.LIVE) -> InstrumentStatus:
    """Return an instrument of units with eight channels each, ``name:unit-place``."""
    places = tuple(ChannelId(f"{name}:{1 + index // 8}-{1 + index % 8}") for index in range(channels))
    return InstrumentStatus(name, "neware-bts", "tcp://127.0.0.1:502", link, channels=places)
