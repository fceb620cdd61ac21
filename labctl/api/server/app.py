"""The application: routes, refusals, the gate before them, the status page, the published OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from labctl import __version__
from labctl.api.messages import PREFIX, Failure
from labctl.api.server.answers import Refusal, failure_of, http_failure, invalid, refused, status_of
from labctl.api.server.crashes import CrashReports
from labctl.api.server.gate import Doors, Gate
from labctl.api.server.openapi import described
from labctl.api.server.page import page
from labctl.api.server.routes import (
    alarms,
    bench,
    frames,
    impedance,
    jobs,
    people,
    protocols,
    records,
    registry,
    runs,
    station,
)
from labctl.api.server.stream import PATH, Streams
from labctl.errors import LabctlError
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.station.core import StationCore

ROUTERS = (station, bench, frames, registry, jobs, runs, impedance, records, alarms, protocols, people)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": text}
    for status, text in {
        400: "the body is no JSON, or breaks a cap",
        401: "no token, or one that is not valid",
        403: "a forged Host or Origin, or a role that may not do this",
        404: "there is no such thing",
        409: "it no longer fits what is there, or the bench does not allow it",
        413: "too large",
        415: "not application/json",
        422: "a wish that cannot be met, in words",
        429: "too many calls",
        503: "the disk does not take it",
    }.items()
}


def make_app(core: StationCore, *, hosts: Iterable[str] = (), secure: bool = False) -> FastAPI:
    """Return the application of one station. ``hosts`` are further names that it answers to; ``secure``: over TLS."""
    app = FastAPI(
        title="labctl station",
        version=__version__,
        docs_url=None,  # those pages load from other people's servers (X17)
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        responses=_REFUSALS,
        generate_unique_id_function=_operation,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.core = core
    app.state.reader = Worker("labctl-api", core.clock)
    for module in ROUTERS:
        app.include_router(module.router)
    streams = Streams(core)

    async def stream(socket: WebSocket) -> None:
        await streams.serve(socket)

    app.add_api_websocket_route(PATH, stream)
    app.add_api_route("/", page, methods=["GET"], include_in_schema=False)
    _refusals(app)
    app.add_middleware(Gate, core=core, doors=Doors.of(hosts, secure=secure), crashes=CrashReports(core))
    app.openapi = lambda: described(app, (route for route in api_routes() if route.include_in_schema))  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def api_routes() -> tuple[APIRoute, ...]:
    """Return every route, as its router declares it; all but the status page's own are published."""
    every = (route for module in ROUTERS for route in module.router.routes)
    return tuple(route for route in every if isinstance(route, APIRoute))


def _operation(route: APIRoute) -> str:
    """Name an operation after its function: clients have a method for each."""
    return route.name


def _refusals(app: FastAPI) -> None:
    """Give every expected failure its status and the one shape of refusals."""

    async def on_refusal(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return refused(error.status, error.failure)

    async def on_failure(_: Request, error: Exception) -> Response:
        assert isinstance(error, LabctlError)
        return refused(status_of(error), failure_of(error))

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return invalid(error)

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return http_failure(error)

    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(LabctlError, on_failure)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
