"""The station's library of protocols: revisions, clashes by name, templates, restarts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import ConflictError, UserFileError, UserInputError
from labctl.model.person import Actor, Role
from labctl.station.audit import AuditJournal
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.station.protocolshelf import ProtocolShelf
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.queuebench import SHORT
from labctl.worker import Worker

ANNA, BEN = Actor("anna", Role.OPERATE, "test"), Actor("ben", Role.OPERATE, "test")
LONGER = SHORT.replace("10 min", "20 min")
Story = Callable[[ProtocolShelf, Feed, AuditJournal], Coroutine[Any, Any, None]]


def live(disk: SimulatedDisk, story: Story) -> None:
    """Open a shelf on a disk that outlives it, and tell a story on it."""

    async def main(clock: Clock) -> None:
        root, worker, feed = DataRoot(Path("/virtual/data"), disk=disk), Worker("test", clock), Feed("test")
        audit = AuditJournal(root, worker, feed, clock)
        await audit.open()
        shelf = ProtocolShelf(Ledger(root, worker, "protocols"), feed, audit, clock, worker)
        await shelf.open()
        try:
            await story(shelf, feed, audit)
        finally:
            shelf.close()
            audit.close()
            worker.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


def test_each_save_is_a_revision_with_author_note_and_text_that_a_restart_keeps() -> None:
    disk = SimulatedDisk()

    async def begin(shelf: ProtocolShelf, feed: Feed, audit: AuditJournal) -> None:
        first = await shelf.save(ANNA, "mine", SHORT, source="p1-li-li-1mA")
        second = await shelf.save(BEN, "mine", LONGER, based_on=1, note="longer rest")
        assert (first.revision, second.revision, second.by) == (1, 2, "ben")
        told = feed.value("protocol", "mine")
        assert told is not None and told["revision"] == 2 and told["read_only"] is False
        acts = [entry.act for entry in await audit.newest()]
        assert acts == ["protocol.save", "protocol.save"]

    async def go_on(shelf: ProtocolShelf, feed: Feed, audit: AuditJournal) -> None:
        assert shelf.problems == [] and feed.value("protocol", "mine") is not None
        revisions = await shelf.revisions("mine")
        assert [(one.revision, one.by, one.note, one.source, one.text) for one in revisions] == [
            (1, "anna", "", "p1-li-li-1mA", ""),
            (2, "ben", "longer rest", "", ""),
        ]
        assert (await shelf.text("mine", 1)).text == SHORT
        newest = await shelf.text("mine")
        assert newest.text == LONGER and newest.variables == {"chamber": "25 degC", "cycles": "2"}
        assert any("20 min" in line for line in newest.sentences)

    live(disk, begin)
    live(disk.crash(), go_on)


def test_saving_on_top_of_an_unseen_revision_names_who_was_faster_and_keeps_nothing() -> None:
    async def story(shelf: ProtocolShelf, feed: Feed, audit: AuditJournal) -> None:
        await shelf.save(ANNA, "mine", SHORT)
        await shelf.save(BEN, "mine", LONGER, based_on=1, note="longer rest")
        other = SHORT.replace("10 min", "30 min")
        with pytest.raises(
            ConflictError, match=r"revision 2 by ben of .* \(longer rest\); yours was made from revision 1"
        ):
            await shelf.save(ANNA, "mine", other, based_on=1)
        with pytest.raises(ConflictError, match="choose another name"):
            await shelf.save(ANNA, "mine", other)
        with pytest.raises(ConflictError, match="Nobody has saved new here"):
            await shelf.save(ANNA, "new", other, based_on=3)
        again = await shelf.save(ANNA, "mine", LONGER, based_on=1)
        assert again.revision == 2, "the same text is saved already"
        assert len(await shelf.revisions("mine")) == 2

    live(SimulatedDisk(), story)


def test_ready_made_protocols_are_read_only_templates_that_can_be_copied() -> None:
    async def story(shelf: ProtocolShelf, feed: Feed, audit: AuditJournal) -> None:
        templates = {info.name: info for info in await shelf.infos() if info.read_only}
        assert "p1-li-li-1mA" in templates
        text = (await shelf.text("p1-li-li-1mA")).text
        with pytest.raises(UserInputError, match="ready-made protocol: save the copy under another name"):
            await shelf.save(ANNA, "P1-li-li-1ma", text)
        await shelf.save(ANNA, "my-copy", text, source="p1-li-li-1mA")
        assert await shelf.revisions("p1-li-li-1mA") == ()
        names = [info.name for info in await shelf.infos()]
        assert "my-copy" in names and len(names) == len(templates) + 1

    live(SimulatedDisk(), story)


@pytest.mark.parametrize("name", ["", "a/b", "..", "CON", "x" * 81, "check", "电池", "a.yaml"])
def test_a_name_that_cannot_be_a_file_anywhere_is_refused(name: str) -> None:
    async def story(shelf: ProtocolShelf, feed: Feed, audit: AuditJournal) -> None:
        with pytest.raises(UserInputError, match="cannot be a protocol's name"):
            await shelf.save(ANNA, name, SHORT)

    live(SimulatedDisk(), story)


def test_a_text_that_cannot_run_is_not_saved_and_the_refusal_names_protocol_line_and_fix() -> None:
    async def story(shelf: ProtocolShelf, feed: Feed, audit: AuditJournal) -> None:
        with pytest.raises(UserFileError, match=r"mine:9:11: 'mni' is not a unit .* Did you mean 'min'"):
            await shelf.save(ANNA, "mine", SHORT.replace("10 min", "10 mni"))
        with pytest.raises(UserInputError, match="Nobody has saved"):
            await shelf.revisions("mine")
        await shelf.save(ANNA, "mine", SHORT)
        with pytest.raises(UserInputError, match="There is a protocol mine already"):
            await shelf.save(ANNA, "MINE", LONGER)
        with pytest.raises(UserInputError, match="Did you mean mine"):
            await shelf.text("minne")

    live(SimulatedDisk(), story)
