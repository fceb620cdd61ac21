"""A small client of its own, in memory: bytes in, ElementTree out; knows nothing of the simulator's codec."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from labctl_simulators.bench import Bench, open_bench

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []

Attributes = dict[str, str]


class Client:
    """Talks to one instrument of a bench as a program in the lab would."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.folder = folder
        self.link = bench.connect("neware")
        self._files = 0

    def raw(self, data: bytes) -> bytes:
        return self.link.receive(data)

    def text(self, body: str) -> str:
        head = '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0">'
        return self.raw(f"{head}{body}</bts>\n\n#\r\n".encode()).decode()

    def ask(self, body: str) -> ElementTree.Element:
        reply = self.text(body)
        assert reply.endswith("</bts>\n\n#\r\n")
        return ElementTree.fromstring(reply[: -len("\n\n#\r\n")])

    def address(self, channel: int, unit: int = 1) -> str:
        return f'ip="127.0.0.1" devtype="27" devid="33" subdevid="{unit}" chlid="{channel}"'

    def row(
        self, command: str, tag: str, channel: int, text: str = "true", more: str = "", unit: int = 1
    ) -> str:
        """Send a list command for one channel and return the row's text."""
        root = self.ask(
            f'<cmd>{command}</cmd><list count="1"><{tag} {self.address(channel, unit)} {more}>{text}</{tag}></list>'
        )
        return root.findall(f"list/{tag}")[0].text or ""

    def save(self, text: str) -> Path:
        self._files += 1
        path = self.folder / f"steps-{self._files}.xml"
        path.write_text(text, "utf-8")
        return path

    def start(self, channel: int, text: str, barcode: str = "", unit: int = 1) -> str:
        return self.row("start", "start", channel, str(self.save(text)), f'barcode="{barcode}"', unit)

    def status(self, channel: int, unit: int = 1) -> str:
        return self.row("getchlstatus", "status", channel, unit=unit)

    def inquire(self, channel: int, unit: int = 1) -> Attributes:
        root = self.ask(
            f'<cmd>inquire</cmd><list count="1"><inquire {self.address(channel, unit)} aux="0" barcode="1">true'
            "</inquire></list>"
        )
        return dict(root.findall("list/inquire")[0].attrib)

    def progress(self, channel: int, test_id: int = 0, unit: int = 1) -> tuple[int, int, str]:
        root = self.ask(
            f'<cmd>inquiredf</cmd><list count="1"><chl {self.address(channel, unit)} testid="{test_id}" /></list>'
        )
        row = root.findall("list/chl")[0]
        return int(row.attrib["testid"]), int(row.attrib["count"]), row.text or ""

    def page(self, channel: int, first: int, count: int, test_id: int = 0, unit: int = 1) -> list[Attributes]:
        root = self.ask(
            f'<cmd>download</cmd><download {self.address(channel, unit)} auxid="0" testid="{test_id}" '
            f'startpos="{first}" count="{count}"/>'
        )
        return [dict(row.attrib) for row in root.findall("list/data")]

    def records(self, channel: int, test_id: int = 0, unit: int = 1) -> list[Attributes]:
        rows: list[Attributes] = []
        while True:
            page = self.page(channel, len(rows) + 1, 1000, test_id, unit)
            rows += page
            if len(page) < 1000:
                return rows

    def layer(self, channel: int) -> list[Attributes]:
        root = self.ask(f"<cmd>downloadStepLayer</cmd><downloadStepLayer {self.address(channel)} />")
        return [dict(row.attrib) for row in root.findall("list/data")]

    def log(self, channel: int, level: int = 0) -> list[int]:
        root = self.ask(
            f'<cmd>downloadlog</cmd><download {self.address(channel)} testid="0" log_lever="{level}"/>'
        )
        return [int(row.attrib["log_code"]) for row in root.findall("list/data")]


def limit(**values: float) -> str:
    inside = "".join(f'<{name} Value="{value}" />' for name, value in values.items())
    return f"<Limit><Main>{inside}</Main></Limit>"


def loop(start: int, count: int) -> str:
    return f'<Limit><Other><Start_Step Value="{start}" /><Cycle_Count Value="{count}" /></Other></Limit>'


def step_file(
    *steps: tuple[int, str], record: str = '<Time Value="1000" />', protect: str = "", head: str = ""
) -> str:
    """Write a step file by hand; each step is (type code, inner XML)."""
    rows = "".join(
        f'<Step{number} Step_ID="{number}" Step_Type="{code}">{inside}</Step{number}>'
        for number, (code, inside) in enumerate(steps, start=1)
    )
    recording = f"<Record><Main>{record}</Main></Record>" if record else ""
    protecting = f"<Protect><Main>{protect}</Main></Protect>" if protect else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?><root><config type="Step File" version="17" '
        'client_version="BTS Client 8.0.0.478(2024.06.24)(R3)" date="20260301083000" Guid="g">'
        f'<Head_Info><Operate Value="66" /><Scale Value="1" />{head}</Head_Info>'
        f"<Whole_Prt>{protecting}{recording}</Whole_Prt>"
        f'<Step_Info Num="{len(steps)}">{rows}</Step_Info>'
        '<SMBUS><SMBUS_Info Num="0" AdjacentInterval="0" /></SMBUS></config></root>'
    )


class Steps:
    """The step codes and builders, for tests that take them as a fixture."""

    file = staticmethod(step_file)
    limit = staticmethod(limit)
    loop = staticmethod(loop)
    end = (6, "")

    @staticmethod
    def rest(seconds: float) -> tuple[int, str]:
        return 4, limit(Time=seconds * 1000)

    @staticmethod
    def charge(current_mA: float, **ends: float) -> tuple[int, str]:
        return 1, limit(Curr=current_mA, **ends)

    @staticmethod
    def discharge(current_mA: float, **ends: float) -> tuple[int, str]:
        return 2, limit(Curr=current_mA, **ends)


@pytest.fixture
def steps() -> Steps:
    return Steps()


MakeClient = Callable[..., Client]


@pytest.fixture
def make_client(tmp_path: Path) -> MakeClient:
    """Return a factory of clients on fresh small benches: one 5V10mA unit, cells by variant from 1-1 on."""

    def make(
        variants: Sequence[str] = ("LIQ-P",), profile: str = "ideal", options: dict[str, Any] | None = None,
        unit: dict[str, Any] | None = None, cell: dict[str, Any] | None = None,
    ) -> Client:  # fmt: skip
        bench = open_bench(
            {
                "labctl": "bench/1",
                "seed": 7,
                "instruments": [
                    {
                        "name": "neware",
                        "profile": profile,
                        "units": [{"unit": 1, "model": "5V10mA", "channels": 8, **(unit or {})}],
                        "options": options or {},
                    }
                ],
                "chambers": [{"name": "room", "air_degC": 25, "setpoint_degC": 25, "on": True}],
                "cells": [
                    {
                        "cell_id": f"C{n}", "slot": f"1-{n}", "variant": variant, "chamber": "room",
                        **(cell or {}),
                    }
                    for n, variant in enumerate(variants, start=1)
                ],
            }
        )  # fmt: skip
        return Client(bench, tmp_path)

    return make


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()
