"""What client and station say to each other beyond the model's own dataclasses: bodies of requests, small answers.

Bodies derive from ``Body``: a key that is not one of theirs is refused, so a slip in a script is told and not
ignored. Answers are read tolerantly, because a newer station may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from labctl.model.audit import AuditEntry
from labctl.model.bench import Delta
from labctl.model.cell import Batch, Cell, Electrode, EntryKind
from labctl.model.job import CalendarEntry, JobEdit, JobSpec, PlannedJob
from labctl.model.person import Person, Role

API_VERSION = 1
PREFIX = f"/api/v{API_VERSION}"
TOKEN_HEADER = "Authorization"
"""``Authorization: Bearer <token>``; never in a URL."""
KEY_HEADER = "Idempotency-Key"
"""A POST sent twice with the same key is done once; the second gets the first one's answer (F43)."""
ACTING_HEADER = "X-Labctl-Person"
"""A client with the owner's token says who sits before it: the name goes into the journal (X16)."""
ARROW_TYPE = "application/vnd.apache.arrow.stream"


class Body:
    """A request body: unknown keys are refused."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


# -- requests ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reason(Body):
    """Why something is done; goes into the journal."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Confirmed(Body):
    """An act that is dangerous to undo a protection with: a reason, and typed what it is about (X12).

    ``confirm`` is the word ``release`` for *Stop all*, the channel's own name for a trip.
    """

    reason: str
    confirm: str


@dataclass(frozen=True, slots=True)
class NewDevice(Body):
    """An instrument or chamber that the station does not have yet.

    ``lines`` are as they would stand in the station file: ``instruments:`` or ``chambers:`` and one entry below it.
    """

    lines: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LoadCell(Body):
    """This cell sits in the channel now."""

    cell_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SetReady(Body):
    """Whether the queue may start in this channel."""

    ready: bool


@dataclass(frozen=True, slots=True)
class SetPace(Body):
    """Another speed of a virtual bench: plant seconds per wall second; None = as fast as it can."""

    speed: float | None = None


@dataclass(frozen=True, slots=True)
class SetChamber(Body):
    """A new set point; ``ramp_K_per_min`` as None leaves the ramp as the chamber has it."""

    setpoint_degC: float
    ramp_K_per_min: float | None = None


@dataclass(frozen=True, slots=True)
class NewCell(Body):
    """A cell to register."""

    cell: Cell
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChangedCell(Body):
    """A correction: a new revision, the old one stays. ``revision`` is the one that it was decided on."""

    cell: Cell
    reason: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class NewElectrode(Body):
    """A electrode to register."""

    electrode: Electrode
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChangedElectrode(Body):
    """A correction: a new revision, the old one stays. ``revision`` is the one that it was decided on."""

    electrode: Electrode
    reason: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class NewBatch(Body):
    """A batch to register."""

    batch: Batch
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChangedBatch(Body):
    """A correction: a new revision, the old one stays. ``revision`` is the one that it was decided on."""

    batch: Batch
    reason: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class ImportTable(Body):
    """A CSV or XLSX file, or pasted text, one entry a row. ``answers`` answers the questions of an earlier dry run."""

    name: str
    content_base64: str
    dry_run: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    kind: EntryKind = EntryKind.CELL
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SubmitJobs(Body):
    """Jobs for the queue, all or none."""

    jobs: tuple[JobSpec, ...]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class SubmitCampaign(Body):
    """A campaign file; ``files`` holds the texts of protocol files it names."""

    text: str
    name: str = "campaign.yaml"
    dry_run: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubmitTable(Body):
    """A table of jobs, one a row; ``defaults`` fills columns that it has not."""

    name: str
    content_base64: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class JobAct(Body):
    """An act on a job. ``version`` is that of the job it was decided on; another one by now is a conflict."""

    reason: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class MoveJob(Body):
    """Put a job before another one of the queue, None = at the end."""

    before: str | None = None
    reason: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class SetPriority(Body):
    """Larger goes first."""

    priority: int
    reason: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class EditJob(Body):
    """Change a job that has not started; what is None in ``changes`` stays."""

    changes: JobEdit
    reason: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class HoldQueue(Body):
    """Hold or release lanes: of a channel or an instrument named by ``target``; empty = the whole queue."""

    target: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NoteText(Body):
    """A note to a run."""

    text: str


@dataclass(frozen=True, slots=True)
class ReviseRun(Body):
    """A changed protocol for a running run, taken over at the next segment boundary."""

    protocol_text: str
    reason: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddCycles(Body):
    """So many cycles more."""

    cycles: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TakeSpectrum(Body):
    """A spectrum between two steps of a run, rms amplitudes; ``amplitude_rms_A`` makes it galvanostatic.

    ``on`` names the potentiostat; empty = the first that takes the cell.
    """

    f_start_Hz: float
    f_end_Hz: float
    points_per_decade: int = 10
    amplitude_rms_V: float = 0.01
    amplitude_rms_A: float | None = None
    settle_s: float = 10.0
    on: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AlarmAct(Body):
    """An act on an alarm; ``hours`` is for shelving, at most 24."""

    comment: str = ""
    hours: float | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class CheckProtocol(Body):
    """A protocol to check; with a cell also whether and how it binds to it, in its own channel unless one is given.

    ``name`` is what the text is called in messages.
    """

    text: str
    cell_id: str | None = None
    channel: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class SketchProtocol(Body):
    """A protocol to rehearse on a twin of a cell; ``twin`` names parameters, empty = those nearest to the cell."""

    text: str
    cell_id: str
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    twin: str = ""


@dataclass(frozen=True, slots=True)
class SaveProtocol(Body):
    """A text to save as the next revision of a protocol.

    ``based_on`` is the revision that it was made from, 0 for a new protocol; another one by now is a conflict.
    ``source`` names the template that a new one was copied from.
    """

    text: str
    based_on: int = 0
    note: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class NewPerson(Body):
    """A person or service to give a token."""

    name: str
    role: Role
    expires_utc: str = ""
    service: bool = False


# -- answers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """What every refused request answers: what is wrong, one finding a line, what would help."""

    error: str
    findings: tuple[str, ...] = ()
    fix: str = ""
    unknown: bool = False
    """It was sent to an instrument, and nobody knows whether it was done (P2): look before doing it again."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers, and as whom the station knows the caller."""

    station: str
    version: str
    api: int
    epoch: str
    ready: bool
    person: str
    role: Role


@dataclass(frozen=True, slots=True)
class Done:
    """An act that has nothing to tell but its sentence."""

    text: str = "done"


@dataclass(frozen=True, slots=True)
class Stopped:
    """What came of a stop. Not ``confirmed``: the command was sent, the instrument does not say that it is over."""

    run_id: str
    confirmed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Revised:
    """The number of the new revision."""

    revision: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was (or, in a dry run, would be) queued, and the calendar with it."""

    jobs: tuple[PlannedJob, ...]
    calendar: tuple[CalendarEntry, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class State:
    """The present value of everything, as of delta ``number`` of the station's life ``epoch``."""

    epoch: str
    number: int
    state: tuple[Delta, ...]


@dataclass(frozen=True, slots=True)
class Deltas:
    """Changes after the number that was asked for. ``resnapshot``: too long ago or another life, take a snapshot."""

    epoch: str
    number: int
    deltas: tuple[Delta, ...]
    resnapshot: bool = False


@dataclass(frozen=True, slots=True)
class PersonToken:
    """A new person with the token, which is shown this once."""

    person: Person
    token: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows of the journal, and the check of the newest one (X19)."""

    entries: tuple[AuditEntry, ...]
    head: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a station listens: the content of ``<data>/station/endpoint.json``.

    ``fingerprint`` is the SHA-256 of its certificate in hex, empty without TLS.
    """

    url: str
    pid: int
    epoch: str
    fingerprint: str = ""
    listen: tuple[str, ...] = ()
