"""The Python client of a station: ``connect()`` finds the station of this computer, or starts one."""

from labctl.api.client.aio.connecting import connect_async
from labctl.api.client.aio.station import AsyncStation
from labctl.api.client.sync.connecting import connect
from labctl.api.client.sync.station import Station

__all__ = ["AsyncStation", "Station", "connect", "connect_async"]
