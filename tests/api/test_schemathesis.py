"""A property-based client plays every published operation: no answer is a server error, and every answer has its form.

A real station on a virtual bench is served as people start it. Requests are generated from its own OpenAPI document,
right ones and wrong ones; every second right one names things that are there, so that routes are passed to their ends.
By hand, with more of everything: ``LABCTL_PLAY=60 LABCTL_SEED=3 pytest -m slow tests/api/test_schemathesis.py -s``.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from labctl.api.messages import PREFIX
from labctl.api.server.app import api_routes
from labctl.clock import link_pause
from labctl.model.cell import Batch, Electrode
from labctl.model.spectrum import SpectrumHead
from labctl.store.root import DataRoot
from labctl.store.spectra import SpectraStore
from labctl.testing.fakespectra import some_spectrum
from labctl.testing.stationrun import running_station

EXAMPLES = int(os.environ.get("LABCTL_PLAY", "5"))
"""Requests of each kind and operation; some 80 operations and two kinds make this half a minute."""
SEED = int(os.environ.get("LABCTL_SEED", "1"))
PLAYERS = 12
"""Persons who play: each may call 50 times a second, and nobody waits."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
OPERATIONS = sorted(
    (next(iter(route.methods or ())), route.path_format) for route in api_routes() if route.include_in_schema
)


@dataclass
class Served:
    """A station to play on: its address, its players' headers, its document, what is there, and what was answered."""

    url: str
    players: Iterator[dict[str, str]]
    document: dict[str, Any]
    known: dict[str, str]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    answered: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def patiently(self, call: Callable[[dict[str, str]], Any]) -> Any:
        """Call as one player after the other until the station no longer says that this was too often."""
        while (answer := call(next(self.players))).status_code == 429:
            link_pause(0.05)
        return answer

    def play(self, case: Case) -> None:
        """Send a request and check the answer."""
        answer = self.patiently(lambda headers: case.call(base_url=self.url, headers=headers, timeout=60))
        self.answered[case.method, case.path, answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    def refused_always(self) -> list[str]:
        """Return the operations that never did what they were asked."""
        done = {(method, path) for method, path, status in self.answered if status < 300}
        return [f"{method} {path}" for method, path in OPERATIONS if (method, path) not in done]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a station with cells, a finished run, a held job, a spectrum and people."""
    with running_station(tmp_path_factory.mktemp("schemathesis")) as running:
        client = running.client
        tokens = [client.people.add(f"player {number}", "admin").token for number in range(PLAYERS)]
        client.people.add("Vera", "view")
        client.electrodes.add(Electrode("E1", diameter_mm=10.0))
        client.batches.add(Batch("B1", electrolyte="LiTFSI"))
        cell = client.channels.get("neware:1-1").cell_id
        wish = {
            "cell_id": cell,
            "protocol": "p1-li-li-1mA",
            "channel": "neware:1-1",
            "variables": {"cycles": "2"},
        }
        (done,) = client.queue.wait([str(client.queue.submit(wish).jobs[0].job_id)])
        (held,) = client.queue.submit({**wish, "hold": True}).jobs
        headers = [{"Authorization": f"Bearer {token}"} for token in tokens]
        document = requests.get(f"{running.url}{PREFIX}/openapi.json", headers=headers[0], timeout=30).json()
        known = {
            "run_id": str(done.run_id), "cell_id": cell, "channel": "neware:1-2", "job_id": str(held.job_id),
            "electrode_id": "E1", "batch_id": "B1",
        }  # fmt: skip
        spectrum = some_spectrum(SpectrumHead("played", cell_id=cell))
        ((stored, _),) = SpectraStore(DataRoot(running.data)).add([spectrum], b"played", "played.csv")
        known["spectrum_id"] = stored.spectrum_id
        yield Served(running.url, itertools.cycle(headers), document, known)


NAMES = {"instruments": "neware", "chambers": "room-25", "protocols": "formation", "people": "Vera"}


def that_is_there(station: Served, case: Case) -> None:
    """Let a request name what there is."""
    for name in case.path_parameters:
        noun = case.path.removeprefix(PREFIX).split("/")[1]
        found = NAMES.get(noun) if name == "name" else station.known.get(name)
        if found is not None:
            case.path_parameters[name] = found
    if not isinstance(case.body, dict):
        return
    if case.path.endswith("/load"):
        case.body["cell_id"] = station.known["cell_id"]
    for noun in ("cell", "electrode", "batch"):
        if isinstance(case.body.get(noun), dict):
            own = station.known[f"{noun}_id"] if case.path_parameters else f"N{next(station.numbers)}"
            case.body[noun] = {f"{noun}_id": own, "name": own, "kind": "symmetric"} if noun == "cell" else {
                f"{noun}_id": own, "notes": "played"
            }  # fmt: skip
            case.body["reason"] = "played"
            case.body.pop("revision", None)
    if case.path.endswith("/jobs"):
        wish = {"cell_id": station.known["cell_id"], "protocol": "formation", "channel": "neware:1-1"}
        case.body.update(jobs=[wish], dry_run=True)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_generated_request_meets_a_server_error(station: Served, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(station.document)
    before = station.answered.total()
    failures: list[str] = []
    for method, path in OPERATIONS:
        operation = schema[path][method]
        if mode is GenerationMode.NEGATIVE and not (
            operation.body or operation.query or operation.path_parameters
        ):
            continue  # nothing to be wrong about
        turn = itertools.count()

        @seed(SEED)
        @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy(mode))
        def played(case: Case) -> None:
            if mode is GenerationMode.POSITIVE and next(turn) % 2:  # noqa: B023  # used at once
                that_is_there(station, case)
            station.play(case)

        try:
            played()
        except AssertionError as error:
            failures.append(f"{method} {path}: {error}")
    assert not failures, "\n\n".join(failures)
    calls = station.answered.total() - before
    tell(f"{mode.value}: {len(OPERATIONS)} operations, {calls} requests, {dict(by_status(station))} so far")


def tell(text: str) -> None:
    """Say what was played; ``pytest -s`` shows it."""
    sys.stdout.write(f"{text}\n")


def by_status(station: Served) -> Counter[int]:
    """Return how often each status was answered."""
    found: Counter[int] = Counter()
    for (_, _, status), count in station.answered.items():
        found[status] += count
    return found


@pytest.mark.slow
def test_every_operation_is_played_and_most_are_passed_to_their_ends(station: Served) -> None:
    if not station.answered:  # chosen alone: nothing has been played yet
        test_no_generated_request_meets_a_server_error(station, GenerationMode.POSITIVE)
    assert {(method, path) for method, path, _ in station.answered} == set(OPERATIONS)
    refused = station.refused_always()
    tell(
        f"{len(OPERATIONS) - len(refused)} of {len(OPERATIONS)} operations did what they were asked; not: {refused}"
    )
    assert len(refused) < len(OPERATIONS) // 2
    assert not [
        name for name in refused if name.startswith("GET") and "{name}" not in name and "_id}" not in name
    ]


@pytest.mark.slow
@seed(SEED)
@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE"]),
    path=st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=4),
    body=st.binary(max_size=200),
)
def test_no_invented_path_meets_a_server_error(
    station: Served, method: str, path: list[str], body: bytes
) -> None:
    address = f"{station.url}{PREFIX}/" + "/".join(requests.utils.quote(part, safe="") for part in path)
    kind = {"Content-Type": "application/json"}
    answer = station.patiently(
        lambda headers: requests.request(method, address, data=body, headers={**headers, **kind}, timeout=30)
    )
    assert answer.status_code < 500
