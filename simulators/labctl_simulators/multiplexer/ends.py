"""Where the two paths of a place lead: the channel of a cycler, the leads of a potentiostat."""

from __future__ import annotations

from abc import ABC, abstractmethod

from labctl_simulators.builder import CellRecord, Parts, hang
from labctl_simulators.cellacts import seat
from labctl_simulators.neware.channel import Channel, Status
from labctl_simulators.onleads import OnLeads
from labctl_simulators.world.loads import DummyLoad

Thing = CellRecord | DummyLoad
"""What hangs in a place of the multiplexer."""


class End(ABC):
    """The far end of a path."""

    name: str

    @property
    @abstractmethod
    def driven(self) -> bool:
        """Tell whether the instrument drives what is on its leads."""

    @property
    @abstractmethod
    def in_test(self) -> bool:
        """Tell whether a test or a measurement stands there, which may drive at any moment."""

    @property
    @abstractmethod
    def vacant(self) -> bool:
        """Tell whether nothing hangs on its leads."""

    @abstractmethod
    def take(self, thing: Thing, tick: int) -> None:
        """Connect something from a tick on."""

    @abstractmethod
    def let_go(self, tick: int) -> None:
        """Disconnect whatever hangs there."""


class ChannelEnd(End):
    """The channel of a cycler. A dummy stays unseen by it: channels of this bench know cells only."""

    def __init__(self, parts: Parts, slot: str) -> None:
        self.name = slot
        self._parts = parts
        self._channel: Channel = parts.slots[slot]

    @property
    def driven(self) -> bool:
        return self._channel.energised

    @property
    def in_test(self) -> bool:
        return self._channel.status in (Status.WORKING, Status.PAUSE)

    @property
    def vacant(self) -> bool:
        return self._channel.cell is None

    def take(self, thing: Thing, tick: int) -> None:
        if isinstance(thing, CellRecord):
            seat(self._parts, self._channel, thing, self.name, tick)

    def let_go(self, tick: int) -> None:
        seat(self._parts, self._channel, None, self.name, tick)


class LeadsEnd(End):
    """The leads of a potentiostat."""

    def __init__(self, parts: Parts, name: str) -> None:
        self.name = name
        self._parts = parts
        self._device: OnLeads = parts.potentiostats[name]

    @property
    def driven(self) -> bool:
        return self._device.plant.driving

    @property
    def in_test(self) -> bool:
        return self._device.running

    @property
    def vacant(self) -> bool:
        return self._device.plant.load is None

    def take(self, thing: Thing, tick: int) -> None:
        if isinstance(thing, CellRecord):
            hang(self._parts, thing, self.name, tick)
        else:
            self._device.clip(thing)

    def let_go(self, tick: int) -> None:
        self._device.clip(None)
        self._parts.chamber_of.pop(self.name, None)
