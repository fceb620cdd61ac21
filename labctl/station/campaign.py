"""Campaign files (``labctl: campaign/1``): a scripted queue as data. Cells x protocols x conditions become jobs.

The file is read strictly, with line and column; nothing in it is ever executed. Jobs of one cell follow each other in
the order of the steps unless a step says otherwise. ``docs/queue.md`` shows the language by example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from labctl.errors import UserFileError
from labctl.model.cell import Cell
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, AfterWhen, JobSpec, RetryPolicy
from labctl.protocol.yamlfile import Fields, Node, Scalar, load_yaml
from labctl.protocol.yamlfile import Sequence as YamlSequence
from labctl.station.campaignread import CampaignValues, Options, Reader
from labctl.station.planning import JOBS_MAX

HEADER = "campaign/1"
ALL = "all"
TOP_KEYS = ("labctl", "name", "notes", "cells", "protocols", "order", "steps", *Options.KEYS)
STEP_KEYS = (
    "step",
    "protocol",
    "cells",
    "conditions",
    "repeat",
    "after",
    "variables",
    "channels",
    "notes",
    *Options.KEYS,
)
CELL_KEYS = ("cell", "channel", "channels", "variables")
PROTOCOL_KEYS = ("use", "file", "variables")
CONDITION_KEYS = ("name", "variables", "channels")
AFTER_KEYS = ("step", "when", "of")
REPEAT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Member:
    """One cell of the campaign with its place and values."""

    cell_id: CellId
    channel: ChannelId | None = None
    channels: tuple[ChannelId, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Source:
    """A protocol that the campaign names: of the library, or the text of a file."""

    name: str
    protocol: str = ""
    text: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class _Condition:
    name: str = ""
    channels: tuple[ChannelId, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wait:
    """A dependency between steps: on the same cell's jobs of a step (empty: of the step before), or on all of them."""

    step: str
    when: AfterWhen
    of_all: bool


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    members: tuple[_Member, ...]
    sources: tuple[_Source, ...]
    conditions: tuple[_Condition, ...]
    repeat: int
    after: tuple[_Wait, ...]
    options: Options
    channels: tuple[ChannelId, ...]
    variables: Mapping[str, str]
    notes: str


def expand_campaign(
    text: str, source: str, files: Mapping[str, str], registered: Sequence[Cell]
) -> tuple[JobSpec, ...]:
    """Return the jobs of a campaign file, dependencies by label.

    ``files`` holds the texts of the protocol files that it names, by the name used there. ``registered`` are the cells
    that ``{batch: NAME}`` chooses from. Raises: UserFileError with line, column and what would be right.
    """
    campaign = _Campaign(load_yaml(text, source), source, files, registered)
    return campaign.specs()


class _Campaign:
    """One file on its way to specs."""

    def __init__(self, node: Node, source: str, files: Mapping[str, str], registered: Sequence[Cell]) -> None:
        self._values = CampaignValues(source)
        self._read = Reader(self._values)
        self._files = files
        self._registered = registered
        top = Fields(node, source, "the campaign", TOP_KEYS)
        header = self._values.text(top.need("labctl", HEADER), "labctl")
        if header != HEADER:
            raise self._values.refuse(
                top.get("labctl"), f"this is '{header}', not a campaign.", f"Write {HEADER}."
            )
        self.name = self._values.text(top.need("name", "Zn coating, pristine against coated"), "name")
        options = self._read.options(top, Options())
        self._groups = self._read_groups(top.need("cells", "[C0001, C0002]"))
        named = top.get("protocols")
        self._sources = {} if named is None else self._read_sources(named)
        self._by_cell = self._order(top.get("order"))
        self._steps = self._read_steps(
            top.need("steps", "[{step: cycling, protocol: p1-li-li-1mA}]"), options
        )

    def _order(self, node: Node | None) -> bool:
        word = "by step" if node is None else self._values.text(node, "order")
        if word not in ("by step", "by cell"):
            raise self._values.refuse(node, f"order '{word}' is unknown.", "Write 'by step' or 'by cell'.")
        return word == "by cell"

    # -- cells ------------------------------------------------------------------------------------------------------

    def _read_groups(self, node: Node) -> dict[str, tuple[_Member, ...]]:
        """Return the groups of cells by name; a plain list is the group ``all``."""
        if isinstance(node, YamlSequence):
            return {ALL: self._members(node)}
        groups: dict[str, tuple[_Member, ...]] = {}
        for key, value in self._values.entries(node, "cells"):
            name = self._values.name(key, "a group")
            if name == ALL:
                raise self._values.refuse(key, "'all' means every group.", "Name the group otherwise.")
            groups[name] = self._members(value)
        members: dict[CellId, _Member] = {}
        for group in groups.values():
            for member in group:
                if member.cell_id in members:
                    raise self._values.refuse(
                        node, f"cell {member.cell_id} is in two groups.", "Keep it in one."
                    )
                members[member.cell_id] = member
        groups[ALL] = tuple(members.values())
        return groups

    def _members(self, node: Node) -> tuple[_Member, ...]:
        members: list[_Member] = []
        for item in self._values.items(node, "the cells"):
            members.extend(self._member(item))
        ids = [member.cell_id for member in members]
        twice = next((cell_id for cell_id in ids if ids.count(cell_id) > 1), None)
        if twice is not None:
            raise self._values.refuse(node, f"cell {twice} stands twice.", "Name each cell once.")
        return tuple(members)

    def _member(self, node: Node) -> Iterator[_Member]:
        if isinstance(node, Scalar):
            yield _Member(self._values.cell(node))
            return
        if "batch" in [key.text for key, _ in self._values.entries(node, "a cell")]:
            batch = self._values.text(
                Fields(node, self._values.source, "a batch", ("batch",)).need("batch", "B17"), "batch"
            )
            found = [cell.cell_id for cell in self._registered if cell.batch == batch]
            if not found:
                known = ", ".join(sorted({cell.batch for cell in self._registered if cell.batch})) or "none"
                raise self._values.refuse(
                    node, f"no cell is registered in batch '{batch}'.", f"Batches: {known}."
                )
            yield from (_Member(cell_id) for cell_id in found)
            return
        fields = Fields(node, self._values.source, "a cell", CELL_KEYS)
        yield _Member(
            self._values.cell(fields.need("cell", "C0001")),
            self._read.channel(fields.get("channel")),
            self._read.channels(fields.get("channels")),
            self._read.variables(fields.get("variables")),
        )

    # -- protocols --------------------------------------------------------------------------------------------------

    def _read_sources(self, node: Node) -> dict[str, _Source]:
        sources: dict[str, _Source] = {}
        for key, value in self._values.entries(node, "protocols"):
            name = self._values.name(key, "a protocol")
            if isinstance(value, Scalar):
                sources[name] = self._source(name, value)
                continue
            fields = Fields(value, self._values.source, f"protocol '{name}'", PROTOCOL_KEYS)
            which = fields.get("use") or fields.get("file")
            if which is None or ("use" in fields and "file" in fields):
                raise self._values.refuse(
                    value, f"protocol '{name}' needs 'use' or 'file'.", "Give one of the two."
                )
            found = self._source(name, which, is_file="file" in fields)
            sources[name] = replace(found, variables=self._read.variables(fields.get("variables")))
        return sources

    def _source(self, name: str, node: Node, *, is_file: bool | None = None) -> _Source:
        """Return a protocol by its name in the library, or by the file that came with the campaign."""
        text = self._values.text(node, "a protocol")
        if is_file or (is_file is None and text.endswith((".yaml", ".yml"))):
            if text not in self._files:
                known = ", ".join(self._files) or "none came with the campaign"
                raise self._values.refuse(node, f"there is no protocol file '{text}'.", f"Files: {known}.")
            return _Source(name, text=self._files[text], file=text)
        return _Source(name, protocol=text)

    # -- steps ------------------------------------------------------------------------------------------------------

    def _read_steps(self, node: Node, options: Options) -> tuple[_Step, ...]:
        steps: list[_Step] = []
        for item in self._values.items(node, "steps"):
            step = self._step(item, options, [earlier.name for earlier in steps])
            steps.append(step)
        return tuple(steps)

    def _step(self, node: Node, options: Options, earlier: list[str]) -> _Step:
        fields = Fields(node, self._values.source, "a step", STEP_KEYS)
        name = self._values.name(fields.need("step", "cycling"), "a step")
        if name in earlier:
            raise self._values.refuse(
                fields.get("step"), f"step '{name}' stands twice.", "Give it another name."
            )
        which = fields.need("protocol", "p1-li-li-1mA")
        sources = tuple(self._chosen(item) for item in self._values.items(which, "protocol"))
        listed = fields.get("conditions")
        conditions = [_Condition()]
        if listed is not None:
            items = self._values.items(listed, "conditions")
            conditions = [self._condition(item, number) for number, item in enumerate(items, 1)]
        names = [condition.name for condition in conditions]
        if len(set(names)) < len(names):
            raise self._values.refuse(listed, "two conditions have one name.", "Give each its own.")
        return _Step(
            name=name,
            members=self._chosen_cells(fields.get("cells")),
            sources=sources,
            conditions=tuple(conditions),
            repeat=self._read.count(fields.get("repeat"), REPEAT_MAX),
            after=self._after(fields.get("after"), earlier),
            options=self._read.options(fields, options),
            channels=self._read.channels(fields.get("channels")),
            variables=self._read.variables(fields.get("variables")),
            notes=self._read.optional(fields.get("notes"), "notes"),
        )

    def _chosen(self, node: Node) -> _Source:
        text = self._values.text(node, "protocol")
        return self._sources[text] if text in self._sources else self._source(text, node)

    def _chosen_cells(self, node: Node | None) -> tuple[_Member, ...]:
        if node is None:
            return self._groups[ALL]
        found: dict[CellId, _Member] = {}
        every = {member.cell_id: member for member in self._groups[ALL]}
        for item in self._values.items(node, "cells"):
            text = self._values.text(item, "cells")
            if text not in self._groups and CellId(text) not in every:
                known = ", ".join(self._groups)
                raise self._values.refuse(
                    item, f"there is no group or cell '{text}' here.", f"Groups: {known}."
                )
            members = self._groups.get(text) or (every[CellId(text)],)
            found.update({member.cell_id: member for member in members})
        return tuple(found.values())

    def _condition(self, node: Node, number: int) -> _Condition:
        fields = Fields(node, self._values.source, "a condition", CONDITION_KEYS)
        name = fields.get("name")
        return _Condition(
            str(number) if name is None else self._values.label(name, "name"),
            self._read.channels(fields.get("channels")),
            self._read.variables(fields.get("variables")),
        )

    def _after(self, node: Node | None, earlier: list[str]) -> tuple[_Wait, ...]:
        """Return what a step waits for; by itself, a good end of what the same cell did before."""
        if node is None:
            return (_Wait("", AfterWhen.OK, False),)
        if isinstance(node, Scalar) and node.text == "none":
            return ()
        return tuple(self._wait(item, earlier) for item in self._values.items(node, "after"))

    def _wait(self, node: Node, earlier: list[str]) -> _Wait:
        if isinstance(node, Scalar):
            return _Wait(self._earlier(node, earlier), AfterWhen.OK, False)
        fields = Fields(node, self._values.source, "after", AFTER_KEYS)
        step = self._earlier(fields.need("step", earlier[0] if earlier else "formation"), earlier)
        when, of = fields.get("when"), fields.get("of")
        return _Wait(
            step,
            AfterWhen.OK if when is None else AfterWhen(self._values.word(when, "when", ("ok", "any"))),
            of is not None and self._values.word(of, "of", ("cell", "all")) == "all",
        )

    def _earlier(self, node: Node, earlier: list[str]) -> str:
        name = self._values.text(node, "after")
        if name not in earlier:
            known = ", ".join(earlier) or "none stands before this one"
            raise self._values.refuse(
                node, f"there is no earlier step '{name}'.", f"Earlier steps: {known}; or 'none'."
            )
        return name

    # -- jobs -------------------------------------------------------------------------------------------------------

    def specs(self) -> tuple[JobSpec, ...]:
        """Return every job of the campaign. Raises: UserFileError where there are too many or none."""
        made: list[JobSpec] = []
        labels: dict[tuple[str, CellId], list[str]] = {}
        for step in self._steps:
            count = len(step.members) * len(step.sources) * len(step.conditions) * step.repeat
            if len(made) + count > JOBS_MAX:
                raise UserFileError(
                    f"makes more than {JOBS_MAX} jobs.",
                    path=self._values.source,
                    fix="Split it into campaigns.",
                )
            for member in step.members:
                made.extend(self._jobs(step, member, labels))
        if not made:
            raise UserFileError("makes no job at all.", path=self._values.source, fix="Name cells and steps.")
        if self._by_cell:
            place = {member.cell_id: index for index, member in enumerate(self._groups[ALL])}
            made.sort(key=lambda spec: place[spec.cell_id])  # stable: the steps of a cell keep their order
        return tuple(made)

    def _jobs(
        self, step: _Step, member: _Member, labels: dict[tuple[str, CellId], list[str]]
    ) -> Iterator[JobSpec]:
        """Yield one cell's jobs of a step: protocols, conditions and repeats follow each other."""
        waits = [
            After(label, wait.when) for wait in step.after for label in self._labels(wait, member, labels)
        ]
        mine = labels.setdefault((step.name, member.cell_id), [])
        for source in step.sources:
            for condition in step.conditions:
                for turn in range(1, step.repeat + 1):
                    parts = [member.cell_id, step.name]
                    parts += [source.name] if len(step.sources) > 1 else []
                    parts += [condition.name] if condition.name else []
                    parts += [str(turn)] if step.repeat > 1 else []
                    label = "/".join(parts)
                    after = (After(mine[-1]),) if mine else tuple(waits)
                    mine.append(label)
                    yield self._spec(step, member, source, condition, label, after)

    def _labels(self, wait: _Wait, member: _Member, labels: dict[tuple[str, CellId], list[str]]) -> list[str]:
        """Return the jobs that a dependency names: the last one of the cell, or of every cell of that step."""
        if not wait.step:
            mine = [made for (_, cell_id), made in labels.items() if cell_id == member.cell_id and made]
            return mine[-1][-1:] if mine else []
        if not wait.of_all:
            found = labels.get((wait.step, member.cell_id), [])
            return found[-1:]
        return [made[-1] for (name, _), made in labels.items() if name == wait.step and made]

    def _spec(
        self,
        step: _Step,
        member: _Member,
        source: _Source,
        condition: _Condition,
        label: str,
        after: tuple[After, ...],
    ) -> JobSpec:
        options = step.options
        return JobSpec(
            cell_id=member.cell_id,
            protocol=source.protocol,
            protocol_text=source.text,
            protocol_source=source.file,
            channel=member.channel,
            channels=condition.channels or step.channels or member.channels,
            variables={**source.variables, **step.variables, **member.variables, **condition.variables},
            priority=options.priority,
            not_before_utc=options.not_before_utc,
            after=after,
            retry=RetryPolicy(options.retry_times, options.retry_pause_s),
            stagger_s=options.stagger_s,
            hold=options.hold,
            label=label,
            campaign=self.name,
            notes=step.notes,
        )
