"""A property-based client plays every published operation: no answer is a server error, and every answer has its form.

The station is served over a real socket; requests are generated from the OpenAPI document, right ones and wrong ones.
Slow, because each operation is played many times: ``pytest -m slow tests/api``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from labctl.api.messages import PREFIX
from labctl.api.server import gate
from labctl.api.server.app import api_routes
from labctl.api.server.caps import Rates
from labctl.clock import link_pause
from labctl.testing.fakestation import served_fake
from labctl.testing.stationrun import running_station

EXAMPLES = 12
"""Requests of each kind and operation; some 80 operations make this a minute."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
OPERATIONS = sorted(
    (next(iter(route.methods or ())), route.path_format) for route in api_routes() if route.include_in_schema
)


@dataclass(frozen=True)
class Served:
    """A station to play on: its address, its owner's header, its document."""

    url: str
    headers: dict[str, str]
    document: dict[str, Any]

    def patiently(self, call: Callable[[], Any]) -> Any:
        """Call until the station no longer says that this was too often."""
        while (answer := call()).status_code == 429:
            link_pause(0.2)
        return answer


@pytest.fixture(scope="module", params=["fake core", "real station on a virtual bench"])
def station(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the API over the fake core in this process, and over the real one as people start it."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with ExitStack() as stack:
        if request.param == "fake core":
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(gate, "Rates", lambda *_: Rates(1e9, 1e9))
            url = stack.enter_context(served_fake(folder / "data")).endpoint.url
            token = (folder / "data" / "station" / "owner.token").read_text(encoding="ascii").strip()
        else:
            running = stack.enter_context(running_station(folder))
            url, token = running.url, running.token
        headers = {"Authorization": f"Bearer {token}"}
        document = requests.get(f"{url}{PREFIX}/openapi.json", headers=headers, timeout=30).json()
        yield Served(url, headers, document)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS]
)
def test_no_generated_request_meets_a_server_error(
    station: Served, method: str, path: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(station.document)
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and not (
        operation.body or operation.query or operation.path_parameters
    ):
        return  # nothing to be wrong about

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(mode))
    def played(case: Case) -> None:
        answer = station.patiently(
            lambda: case.call(base_url=station.url, headers=station.headers, timeout=60)
        )
        case.validate_response(answer, checks=CHECKS)

    played()


@pytest.mark.slow
@settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
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
    headers = {**station.headers, **kind}
    answer = station.patiently(
        lambda: requests.request(method, address, data=body, headers=headers, timeout=30)
    )
    assert answer.status_code < 500
