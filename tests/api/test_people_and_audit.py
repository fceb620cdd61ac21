"""People, their tokens, and the journal that nobody can change unseen (X02, X11, X16, X19, I17)."""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.model.person import STATION, Actor, Role
from labctl.station import audit as audit_module
from labctl.station.audit import AuditJournal
from labctl.station.feed import Feed
from labctl.station.people import BUILT_IN, People
from labctl.station.secretfile import write_secret
from labctl.store.disk import Disk, RealDisk
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk
from labctl.worker import Worker

ANNA = Actor("Anna", Role.ADMIN, "127.0.0.1 test")


@dataclass
class Office:
    """One life of a station's people and journal."""

    people: People
    audit: AuditJournal
    feed: Feed
    clock: Clock


def life(folder: Path, scene: Callable[[Office], Awaitable[None]], disk: Disk | None = None) -> None:
    """Open people and journal on a data folder, play a scene, close."""

    async def main(clock: Clock) -> None:
        root = DataRoot(folder, disk=disk)
        worker, feed = Worker("office", clock), Feed("e")
        audit = AuditJournal(root, worker, feed, clock)
        people = People(root, worker, audit, clock)
        try:
            await audit.open()
            await people.open()
            await scene(Office(people, audit, feed, clock))
        finally:
            people.close()
            audit.close()
            worker.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


def test_a_token_is_long_random_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    async def scene(office: Office) -> None:
        tokens = [(await office.people.add(ANNA, f"p{i}", Role.VIEW))[1] for i in range(5)]
        assert len(set(tokens)) == 5 and all(len(token) >= 43 for token in tokens)
        kept = b"".join(path.read_bytes() for path in (tmp_path / "station").iterdir())
        assert not any(token.encode() in kept for token in tokens)

    life(tmp_path, scene)


def test_a_token_outlives_the_station_until_it_is_revoked_or_over(tmp_path: Path) -> None:
    tokens: dict[str, str] = {}

    async def first(office: Office) -> None:
        _, tokens["bob"] = await office.people.add(ANNA, "Bob", Role.OPERATE)
        _, tokens["guest"] = await office.people.add(
            ANNA, "Guest", Role.VIEW, expires_utc="2026-01-01T01:00:00"
        )
        assert office.people.identify(tokens["guest"]) == Actor("Guest", Role.VIEW, "")
        await office.clock.link.sleep(3601)
        assert office.people.identify(tokens["guest"]) is None

    async def second(office: Office) -> None:
        assert office.people.identify(tokens["bob"], "10.0.0.1") == Actor("Bob", Role.OPERATE, "10.0.0.1")
        await office.people.revoke(ANNA, "Bob", reason="left the lab")
        assert office.people.identify(tokens["bob"]) is None
        with pytest.raises(ConflictError):
            await office.people.revoke(ANNA, "Bob")
        _, tokens["new"] = await office.people.add(ANNA, "Bob", Role.VIEW)

    async def third(office: Office) -> None:
        assert office.people.identify(tokens["bob"]) is None
        found = office.people.identify(tokens["new"])
        assert found is not None and found.role is Role.VIEW
        acts = [(entry.act, entry.subject) for entry in await office.audit.newest()]
        assert ("person.revoke", "Bob") in acts

    for scene in (first, second, third):
        life(tmp_path, scene)


@pytest.mark.parametrize("token", ["", " ", "lab_", "lab_" + "A" * 43, "\x00", "é", "\udcff", "x" * 100_000])
def test_what_is_no_token_is_nobody(tmp_path: Path, token: str) -> None:
    async def scene(office: Office) -> None:
        await office.people.add(ANNA, "Bob", Role.ADMIN)
        assert office.people.identify(token) is None

    life(tmp_path, scene)


@pytest.mark.parametrize(
    "name",
    ["", " ", " Bob", "Bob ", "a" * 61, "a\nb", "a\x00b", "a\x1b[31m", "a/b", "a\\b", "\u202etxt.exe", "\ud800",
     "e\u0301", "station", "owner", "view", "\u200bBob", "\ufeffBob"],
)  # fmt: skip
def test_a_name_that_a_screen_would_show_wrongly_is_refused(tmp_path: Path, name: str) -> None:
    async def scene(office: Office) -> None:
        with pytest.raises(UserInputError):
            await office.people.add(ANNA, name, Role.VIEW)
        assert office.people.list() == ()

    life(tmp_path, scene)


@pytest.mark.parametrize("name", ["Zoë", "李雷", "O'Neill", "ci bot 3", "=HYPERLINK", "CON", "..", "a.b@c"])
def test_names_of_every_script_are_names(tmp_path: Path, name: str) -> None:
    async def scene(office: Office) -> None:
        _, token = await office.people.add(ANNA, name, Role.VIEW)
        found = office.people.identify(token)
        assert found is not None and found.name == name

    life(tmp_path, scene)


def test_a_moment_that_is_over_or_none_is_refused(tmp_path: Path) -> None:
    async def scene(office: Office) -> None:
        for moment in ("2020-01-01T00:00:00+00:00", "tomorrow", "2026-13-01", "9" * 40):
            with pytest.raises(UserInputError):
                await office.people.add(ANNA, "Bob", Role.VIEW, expires_utc=moment)

    life(tmp_path, scene)


# -- the station's own tokens ----------------------------------------------------------------------------------------


def held(folder: Path) -> dict[str, str]:
    return {
        name: (folder / "station" / f"{name}.token").read_text(encoding="ascii").strip() for name in BUILT_IN
    }


def test_the_stations_own_tokens_are_files_that_only_their_owner_reads_and_stay_the_same(
    tmp_path: Path,
) -> None:
    seen: list[dict[str, str]] = []

    async def scene(office: Office) -> None:
        await office.people.write_token_files()
        seen.append(held(tmp_path))
        for name, role in BUILT_IN.items():
            found = office.people.identify(seen[-1][name])
            assert found == Actor(name, role, "")
            if os.name == "posix":
                mode = (tmp_path / "station" / f"{name}.token").stat().st_mode
                assert stat.S_IMODE(mode) == 0o600

    life(tmp_path, scene)
    life(tmp_path, scene)
    assert seen[0] == seen[1]


def test_a_token_file_that_others_could_read_or_that_is_gone_gets_a_new_token(tmp_path: Path) -> None:
    async def scene(office: Office) -> None:
        await office.people.write_token_files()
        old = held(tmp_path)
        (tmp_path / "station" / "owner.token").unlink()
        view = tmp_path / "station" / "view.token"
        if os.name == "posix":
            view.chmod(0o644)
        else:
            view.write_text("something else", encoding="ascii")
        await office.people.write_token_files()
        new = held(tmp_path)
        for name in BUILT_IN:
            assert old[name] != new[name]
            assert office.people.identify(old[name]) is None and office.people.identify(new[name]) is not None

    life(tmp_path, scene)


def test_a_secret_is_never_readable_by_others_not_even_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    real = os.write

    def watching(descriptor: int, data: bytes) -> int:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", watching)
    before = os.umask(0)
    try:
        write_secret(RealDisk(), tmp_path / "x.token", "secret")
    finally:
        os.umask(before)
    assert modes == [0o600] or os.name != "posix"
    assert (tmp_path / "x.token").read_text(encoding="ascii") == "secret\n"


# -- the journal -----------------------------------------------------------------------------------------------------


async def three_acts(office: Office) -> None:
    for number in range(3):
        await office.audit.write(
            ANNA, "job.hold", f"j-{number}", old="waiting", new={"state": "held"}, reason="look"
        )


def test_a_row_says_who_did_what_when_from_where_and_why(tmp_path: Path) -> None:
    async def scene(office: Office) -> None:
        await three_acts(office)
        entry = (await office.audit.entries())[0]
        assert (entry.who, entry.role, entry.source) == ("Anna", "admin", "127.0.0.1 test")
        assert (entry.act, entry.subject, entry.old, entry.new) == (
            "job.hold",
            "j-0",
            "waiting",
            {"state": "held"},
        )
        assert entry.utc.startswith("2026-01-01T") and entry.reason == "look" and len(entry.check) == 32
        told = office.feed.since(0)
        assert told is not None and told[0].topic == "event" and told[0].data is not None
        assert told[0].data["who"] == "Anna"

    life(tmp_path, scene)


def test_the_chain_goes_on_over_restarts_and_verifies(tmp_path: Path) -> None:
    async def scene(office: Office) -> None:
        await three_acts(office)
        check = await office.audit.verify()
        assert check.ok and check.head == office.audit.head
        heads.append(check.head)
        counts.append(check.entries)

    heads: list[str] = []
    counts: list[int] = []
    life(tmp_path, scene)
    life(tmp_path, scene)
    assert counts == [3, 6] and heads[0] != heads[1]


@pytest.mark.parametrize("damage", ["change", "remove", "swap", "insert", "cut"])
def test_a_journal_that_was_tampered_with_is_found(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "station" / "audit.jsonl"

    async def scene(office: Office) -> None:
        await three_acts(office)
        lines = path.read_bytes().splitlines(keepends=True)
        edited = {
            "change": [lines[0], lines[1].replace(b"Anna", b"Anne"), lines[2]],
            "remove": [lines[0], lines[2]],
            "swap": [lines[1], lines[0], lines[2]],
            "insert": [lines[0], lines[0], *lines[1:]],
            "cut": lines[:2],
        }[damage]
        path.write_bytes(b"".join(edited))
        check = await office.audit.verify()
        assert not check.ok and check.findings

    life(tmp_path, scene)


def test_long_values_are_cut_and_old_rows_come_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "KEPT", 4)

    async def scene(office: Office) -> None:
        for number in range(10):
            await office.audit.write(ANNA, "note", str(number), new={"text": "x" * 10_000})
        entries = await office.audit.entries()
        assert [entry.number for entry in entries] == list(range(1, 11))
        assert all(len(entry.new["text"]) < 4100 for entry in entries)
        assert [entry.number for entry in await office.audit.entries(after=3, limit=2)] == [4, 5]
        assert [entry.number for entry in await office.audit.newest(2)] == [9, 10]

    life(tmp_path, scene)


def test_an_act_is_durable_when_it_is_believed(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    heads: list[str] = []

    async def first(office: Office) -> None:
        await three_acts(office)
        heads.append(office.audit.head)

    async def after_a_power_cut(office: Office) -> None:
        check = await office.audit.verify()
        assert (check.ok, check.entries, check.head) == (True, 3, heads[0])

    life(tmp_path, first, disk)
    life(tmp_path, after_a_power_cut, disk.crash())


def test_an_act_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    async def scene(office: Office) -> None:
        office.audit.close()
        with pytest.raises(StoreError):
            await office.audit.write(STATION, "x")

    life(tmp_path, scene)
