"""Every operation of the API at one glance: method, path, and what it answers."""

from __future__ import annotations

from typing import Any

from labctl.api.client.answers import Route
from labctl.api.messages import (
    AuditPage,
    Deltas,
    Done,
    Hello,
    PersonToken,
    Revised,
    State,
    Stopped,
    Submitted,
)
from labctl.engine.machines.alarmterms import Definition
from labctl.model.alarm import Alarm
from labctl.model.audit import AuditCheck
from labctl.model.bench import (
    ChamberStatus,
    ChannelStatus,
    InstrumentStatus,
    StationInfo,
    StopAll,
    TriedDevice,
)
from labctl.model.cell import Batch, Cell, CellEvent, Electrode, ImportReport, Revision
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.model.job import CalendarEntry, Job, QueueStanding
from labctl.model.latest import LatestCycle, NewestRevision
from labctl.model.library import CheckReport, ProtocolInfo, ProtocolRevision, ProtocolText, ProtocolUse
from labctl.model.limitsnow import LimitsNow
from labctl.model.person import Person
from labctl.model.prediction import Prediction
from labctl.model.rawframe import FramePage
from labctl.model.run import RunDetail, RunRevision, RunSummary

Plain = dict[str, Any]

HELLO = Route("GET", "/hello", Hello)
STATION = Route("GET", "/station", StationInfo)
STOP_ALL = Route("POST", "/stop-all", StopAll)
STOP_ALL_RELEASE = Route("POST", "/stop-all/release", StopAll)
PACE = Route("POST", "/pace", StationInfo)
SNAPSHOT = Route("GET", "/snapshot", State)
DELTAS = Route("GET", "/deltas", Deltas)

INSTRUMENTS = Route("GET", "/instruments", tuple[InstrumentStatus, ...])
INSTRUMENT_PING = Route("POST", "/instruments/{name}/ping", Done)
NEW_INSTRUMENT_ASK = Route("POST", "/new-instrument/ask", TriedDevice)
NEW_INSTRUMENT_ADD = Route("POST", "/new-instrument/add", Done)
CHANNELS = Route("GET", "/channels", tuple[ChannelStatus, ...])
CHANNEL = Route("GET", "/channels/{channel}", ChannelStatus)
CHANNEL_LIMITS = Route("GET", "/channels/{channel}/limits", LimitsNow)
CHANNEL_FRAMES = Route("GET", "/channels/{channel}/frames", FramePage)
INSTRUMENT_FRAMES = Route("GET", "/instruments/{name}/frames", FramePage)
CHAMBER_FRAMES = Route("GET", "/chambers/{name}/frames", FramePage)
CHANNEL_LOAD = Route("POST", "/channels/{channel}/load", ChannelStatus)
CHANNEL_EJECT = Route("POST", "/channels/{channel}/eject", ChannelStatus)
CHANNEL_READY = Route("POST", "/channels/{channel}/ready", ChannelStatus)
CHANNEL_RESET = Route("POST", "/channels/{channel}/reset", ChannelStatus)
CHAMBERS = Route("GET", "/chambers", tuple[ChamberStatus, ...])
CHAMBER_SET = Route("POST", "/chambers/{name}/set", Done)
CHAMBER_OFF = Route("POST", "/chambers/{name}/off", Done)

POTENTIOSTATS = Route("GET", "/potentiostats", tuple[PotentiostatStatus, ...])
POTENTIOSTAT_SPECTRUM = Route("GET", "/potentiostats/{name}/spectrum", SpectrumTable)
POTENTIOSTAT_CELL_OFF = Route("POST", "/potentiostats/{name}/cell-off", Done)
HANDOVERS = Route("GET", "/handovers", tuple[HandoverStatus, ...])
HANDOVER_CONFIRM = Route("POST", "/handovers/{run_id}/confirm", Done)
HANDOVER_SKIP = Route("POST", "/handovers/{run_id}/skip", Done)
SPECTRA = Route("GET", "/spectra", tuple[SpectrumEntry, ...])
SPECTRUM = Route("GET", "/spectra/{spectrum_id}", SpectrumTable)
SPECTRUM_FIT = Route("GET", "/spectra/{spectrum_id}/fit", SpectrumFit)

REGISTRY = Route("GET", "/registry", tuple[NewestRevision, ...])
CELLS = Route("GET", "/cells", tuple[Cell, ...])
CELL_ADD = Route("POST", "/cells", Cell)
CELL = Route("GET", "/cells/{cell_id}", Cell)
CELL_CHANGE = Route("POST", "/cells/{cell_id}", Revised)
CELL_REVISIONS = Route("GET", "/cells/{cell_id}/revisions", tuple[Revision, ...])
CELL_HISTORY = Route("GET", "/cells/{cell_id}/history", tuple[CellEvent, ...])
CELL_IMPORT = Route("POST", "/cells/import", ImportReport)
ELECTRODES = Route("GET", "/electrodes", tuple[Electrode, ...])
ELECTRODE_ADD = Route("POST", "/electrodes", Electrode)
ELECTRODE = Route("GET", "/electrodes/{electrode_id}", Electrode)
ELECTRODE_CHANGE = Route("POST", "/electrodes/{electrode_id}", Revised)
ELECTRODE_REVISIONS = Route("GET", "/electrodes/{electrode_id}/revisions", tuple[Revision, ...])
BATCHES = Route("GET", "/batches", tuple[Batch, ...])
BATCH_ADD = Route("POST", "/batches", Batch)
BATCH = Route("GET", "/batches/{batch_id}", Batch)
BATCH_CHANGE = Route("POST", "/batches/{batch_id}", Revised)
BATCH_REVISIONS = Route("GET", "/batches/{batch_id}/revisions", tuple[Revision, ...])

JOBS = Route("GET", "/jobs", tuple[Job, ...])
JOBS_SUBMIT = Route("POST", "/jobs", Submitted)
JOBS_CAMPAIGN = Route("POST", "/jobs/campaign", Submitted)
JOBS_TABLE = Route("POST", "/jobs/table", Submitted)
JOB = Route("GET", "/jobs/{job_id}", Job)
JOB_HOLD = Route("POST", "/jobs/{job_id}/hold", Job)
JOB_RELEASE = Route("POST", "/jobs/{job_id}/release", Job)
JOB_MOVE = Route("POST", "/jobs/{job_id}/move", Job)
JOB_PRIORITY = Route("POST", "/jobs/{job_id}/priority", Job)
JOB_REMOVE = Route("POST", "/jobs/{job_id}/remove", Job)
JOB_RETRY = Route("POST", "/jobs/{job_id}/retry", Job)
JOB_CLONE = Route("POST", "/jobs/{job_id}/clone", Job)
JOB_PROTOCOL = Route("GET", "/jobs/{job_id}/protocol", ProtocolText)
JOB_EDIT = Route("POST", "/jobs/{job_id}/edit", Job)
QUEUE = Route("GET", "/queue", QueueStanding)
QUEUE_HOLD = Route("POST", "/queue/hold", QueueStanding)
QUEUE_RELEASE = Route("POST", "/queue/release", QueueStanding)
CALENDAR = Route("GET", "/calendar", tuple[CalendarEntry, ...])

RUNS = Route("GET", "/runs", tuple[RunSummary, ...])
RUN = Route("GET", "/runs/{run_id}", RunDetail)
RUN_STOP = Route("POST", "/runs/{run_id}/stop", Stopped)
RUN_PAUSE = Route("POST", "/runs/{run_id}/pause", Done)
RUN_PAUSE_AT_STEP_END = Route("POST", "/runs/{run_id}/pause-at-step-end", Done)
RUN_RESUME = Route("POST", "/runs/{run_id}/resume", Done)
RUN_SKIP = Route("POST", "/runs/{run_id}/skip", Done)
RUN_NOTE = Route("POST", "/runs/{run_id}/note", Done)
RUN_REVISE = Route("POST", "/runs/{run_id}/revise", Revised)
RUN_ADD_CYCLES = Route("POST", "/runs/{run_id}/add-cycles", Revised)
RUN_EIS = Route("POST", "/runs/{run_id}/eis", Done)
RUN_TAKE_UP = Route("POST", "/runs/{run_id}/take-up", tuple[str, ...])
LATEST_CYCLES = Route("GET", "/latest-cycles", tuple[LatestCycle, ...])
RUN_PREDICTED = Route("GET", "/runs/{run_id}/predicted", Prediction)
RUN_RECORDS = Route("GET", "/runs/{run_id}/records", bytes)
RUN_SERIES = Route("GET", "/runs/{run_id}/series", bytes)
RUN_CYCLES = Route("GET", "/runs/{run_id}/cycles", bytes)
RUN_EVENTS = Route("GET", "/runs/{run_id}/events", tuple[Plain, ...])
RUN_AMBIENT = Route("GET", "/runs/{run_id}/ambient", tuple[Plain, ...])
RUN_REVISIONS = Route("GET", "/runs/{run_id}/revisions", tuple[RunRevision, ...])

ALARMS = Route("GET", "/alarms", tuple[Alarm, ...])
ALARM_DEFINITIONS = Route("GET", "/alarms/definitions", tuple[Definition, ...])
ALARM_FIGURES = Route("GET", "/alarms/figures", Plain)
ALARM_ACK = Route("POST", "/alarms/{key}/ack", Alarm)
ALARM_SHELVE = Route("POST", "/alarms/{key}/shelve", Alarm)
ALARM_UNSHELVE = Route("POST", "/alarms/{key}/unshelve", Alarm)
ALARM_DISABLE = Route("POST", "/alarms/{key}/disable", Alarm)
ALARM_ENABLE = Route("POST", "/alarms/{key}/enable", Alarm)

PROTOCOLS = Route("GET", "/protocols", tuple[ProtocolInfo, ...])
PROTOCOL = Route("GET", "/protocols/{name}", ProtocolText)
PROTOCOL_REVISIONS = Route("GET", "/protocols/{name}/revisions", tuple[ProtocolRevision, ...])
PROTOCOL_REVISION = Route("GET", "/protocols/{name}/revisions/{revision}", ProtocolText)
PROTOCOL_USES = Route("GET", "/protocols/{name}/uses", tuple[ProtocolUse, ...])
PROTOCOL_SAVE = Route("POST", "/protocols/{name}/revisions", ProtocolRevision)
PROTOCOL_SKETCH = Route("POST", "/protocols/sketch", Prediction)
PROTOCOL_CHECK = Route("POST", "/protocols/check", CheckReport)

PEOPLE = Route("GET", "/people", tuple[Person, ...])
PERSON_ADD = Route("POST", "/people", PersonToken)
PERSON_REVOKE = Route("POST", "/people/{name}/revoke", Person)
AUDIT = Route("GET", "/audit", AuditPage)
AUDIT_VERIFY = Route("GET", "/audit/verify", AuditCheck)
NOTIFY = Route("GET", "/notify", Plain)
NOTIFY_TEST = Route("POST", "/notify/test", Done)
