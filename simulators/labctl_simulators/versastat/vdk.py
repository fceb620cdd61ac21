"""The vendor's library as the bridge holds it: Instrument, Immediate and Experiment, with their traps.

``UpdateStatus`` re-ranges where no sequence runs, and what the getters say is as old as the last one; ``SetDCCurrent``
changes to galvanostat and picks a range; ``Start`` comes back before the sequence runs. Source: potentiostat.md 2.2.1.
Our choice: that takes ``START_LAG_s``; until then nothing is there to fetch, which reads as -1; ``Stop`` leaves the
cell switch as it is; a setter is refused while a sequence runs; an overload is told until the next ``UpdateStatus``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from labctl_simulators.versastat.actions import MEASURE_OPEN_CIRCUIT, ORDERS, Action, read_action
from labctl_simulators.versastat.models import RANGES_A, Model, range_name
from labctl_simulators.versastat.points import COLUMNS, Point
from labctl_simulators.versastat.sequence import SequenceRun, Upset, overload_of
from labctl_simulators.world.potentiostat import Potentiostat

START_LAG_s = 0.3
FETCH_MAX = 100_000


class LibraryError(Exception):
    """What the library throws."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the last ``UpdateStatus`` saw."""

    potential_V: float = math.nan
    current_A: float = math.nan
    overload: int = 0
    cell_on: bool = False
    range_code: int = 1


@dataclass(slots=True)
class Vdk:
    """The library with one instrument at its USB. ``act_s`` tells the moment at which an act takes effect.

    ``on_live_change`` is told of a change of mode or range while the cell is on, which must not be.
    """

    model: Model
    plant: Potentiostat
    serial: int
    act_s: Callable[[], float]
    on_live_change: Callable[[str], None]
    upset: Upset = field(default_factory=Upset)
    plugged: bool = True
    start_lag_s: float = START_LAG_s
    run: SequenceRun | None = None
    measurements: int = 0
    _connected: bool = False
    _actions: list[Action] = field(default_factory=list)
    _open_circuit_V: float = math.nan
    _status: Status = Status()
    _fetched: int = 0
    _looks: int = 0
    _automatic: bool = True

    # -- Instrument ----------------------------------------------------------------------------------------

    def find_next(self, start: int) -> int:
        """Return the serial number behind another one; 0 when there is none."""
        return self.serial if self.plugged and start < self.serial else 0

    def connect(self, serial: int) -> bool:
        """Connect to an instrument; it stays as it is."""
        self._connected = self.plugged and serial == self.serial
        return self._connected

    def close(self) -> None:
        """Let the instrument go; it stays as it is."""
        self._connected = False

    @property
    def connected(self) -> bool:
        """Tell whether the library holds the instrument."""
        return self._connected and self.plugged

    def need_connection(self) -> None:
        """Raise LibraryError where the library holds no instrument."""
        if not self.connected:
            raise LibraryError("The instrument is not connected.")

    # -- Immediate, set ------------------------------------------------------------------------------------

    def set_cell(self, on: bool) -> None:
        """Close or open the cell switch; it may be opened at any time."""
        if on:
            self._need_quiet()
            self.plant.cell_on(self.act_s())
        else:
            self.plant.cell_off(self.act_s())

    def set_galvanostat(self, galvanostatic: bool) -> None:
        """Choose what is imposed."""
        self._need_quiet()
        if galvanostatic is not self.plant.galvanostatic:
            self._need_dead("the mode was changed with the cell on")
            self.plant.use_galvanostat(galvanostatic, self.act_s())

    def set_range(self, name: str) -> None:
        """Choose a current range. Raises: LibraryError where the model has none of that name."""
        self._need_quiet()
        if name not in self.model.range_names:
            raise LibraryError(f"{self.model.told} has no range {name}.")
        self._need_dead("the range was changed with the cell on")
        self.plant.set_range(RANGES_A[name])
        self.set_automatic(self._automatic)

    def set_automatic(self, automatic: bool) -> None:
        """Let ``UpdateStatus`` choose the range, or keep it."""
        self._need_quiet()
        self._automatic = automatic
        if automatic:
            self.plant.set_autorange(self.plant.ladder[0].nominal_A, self.plant.ladder[-1].nominal_A)
        else:
            self.plant.set_range(self.plant.range.nominal_A)

    def set_potential(self, potential_V: float) -> None:
        """Set the potential of the potentiostat."""
        self._need_quiet()
        self._need_within(abs(potential_V), self.model.potential_max_V, "V")
        self.plant.set_potential(potential_V, self.act_s())

    def set_current(self, current_A: float) -> None:
        """Set the current: the instrument becomes a galvanostat, in the range that holds it."""
        self._need_quiet()
        self._need_within(abs(current_A), self.model.current_max_A, "A")
        if self.plant.holding(abs(current_A)) != self.plant.range:
            self._need_dead("the range was changed with the cell on")
        self.plant.set_range(abs(current_A))
        self.plant.set_current(current_A, self.act_s())
        self.set_galvanostat(True)

    def set_sine(self, value: float = 0.0) -> None:
        """Take a setting of the sine generator: nothing here measures outside an experiment."""
        self._need_quiet()

    def _need_quiet(self) -> None:
        if self.is_running():
            raise LibraryError("A sequence is running.")

    def _need_dead(self, told: str) -> None:
        if self.plant.is_on:
            self.on_live_change(told)

    @staticmethod
    def _need_within(value: float, largest: float, unit: str) -> None:
        if not value <= largest * (1 + 1e-9):
            raise LibraryError(f"{value:g} {unit} is beyond {largest:g} {unit}.")

    # -- Immediate, read -----------------------------------------------------------------------------------

    def update_status(self) -> None:
        """Look at the instrument; re-ranges where no sequence runs."""
        plant, before = self.plant, self.plant.range
        self._looks += 1
        reading = plant.reading(self.act_s(), 0, self._looks)
        overload = overload_of(reading.flags)
        if self.run is not None:
            if not self.run.ended:
                plant.range = before
            overload, self.run.overload = max(overload, self.run.overload), 0
        self._status = Status(
            reading.potential_V,
            reading.current_A if plant.driving else 0.0,
            overload,
            plant.is_on,
            plant.range.index,
        )

    @property
    def status(self) -> Status:
        """Return what the last ``update_status`` saw."""
        return self._status

    def range_told(self) -> str:
        """Return the name of the range."""
        return range_name(self._status.range_code)

    # -- Experiment ----------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget actions and data."""
        self._need_quiet()
        self._actions, self.run = [], None

    def add(self, name: str, text: str = "") -> bool:
        """Add an action; false where the library does not take its string."""
        self._need_quiet()
        try:
            action = Action(name) if name == MEASURE_OPEN_CIRCUIT else read_action(name, text, self.model)
        except ValueError:
            return False
        self._actions.append(action)
        return True

    def start(self) -> None:
        """Start the sequence; comes back before it runs."""
        self._need_quiet()
        if not self._actions:
            raise LibraryError("There is no action to run.")
        self.measurements += 1
        self._fetched = 0
        begins_s = self.act_s() + self.start_lag_s
        self.run = SequenceRun(
            tuple(self._actions), self.plant, begins_s, self.measurements, self.upset, self._open_circuit_V
        )

    def stop(self) -> None:
        """End the sequence; the cell switch stays as it is."""
        if self.run is not None:
            self.run.stop()
            self._after_run(self.run)

    def skip(self) -> None:
        """Leave the present action."""
        if self.run is not None and self.is_sequence_running():
            self.run.skip(self.act_s())
            self.run.step(self.act_s())

    def is_running(self) -> bool:
        """Tell whether a sequence runs, or is about to."""
        return self.run is not None and not self.run.ended

    def is_sequence_running(self) -> bool:
        """Tell what ``IsSequenceRunning`` tells: not yet true when ``Start`` has come back."""
        return self.run is not None and not self.run.ended and self.act_s() >= self.run.start_s - 1e-6

    def points_available(self) -> int:
        """Return how many points the sequence has measured; -1 where nothing more will come than was fetched."""
        if self.run is None or (self.is_running() and not self.is_sequence_running()):
            return -1
        count = len(self.run.points)
        return -1 if self.run.ended and self._fetched >= count else count

    def data(self, column: str, start: int, count: int) -> list[float]:
        """Return a slice of a column; shorter where there are fewer. Raises: LibraryError."""
        if start < 0 or not 0 <= count <= FETCH_MAX:
            raise LibraryError("The index is out of range.")
        points: list[Point] = [] if self.run is None else self.run.points[start : start + count]
        if points:
            self._fetched = max(self._fetched, start + len(points))
        return [COLUMNS[column](point) for point in points]

    def last_open_circuit_V(self) -> float:
        """Return the open circuit that was measured last, in V."""
        return self._open_circuit_V if self.run is None else self.run.open_circuit_V

    def action_list(self) -> str:
        """Return the names of the actions."""
        return ",".join([*ORDERS, MEASURE_OPEN_CIRCUIT])

    # -- time ----------------------------------------------------------------------------------------------

    def due_s(self) -> float:
        """Return when the sequence has something to do."""
        return self.run.due_s if self.run is not None and not self.run.ended else math.inf

    def step(self, now_s: float) -> None:
        """Let the sequence do all that is due."""
        if self.run is not None and not self.run.ended:
            self.run.step(now_s)
            if self.run.ended:
                self._after_run(self.run)

    def _after_run(self, run: SequenceRun) -> None:
        """Keep the open circuit, and let ``UpdateStatus`` choose the range again."""
        self._open_circuit_V = run.open_circuit_V
        if self._automatic:
            self.plant.set_autorange(self.plant.ladder[0].nominal_A, self.plant.ladder[-1].nominal_A)

    def lose_power(self) -> None:
        """Restart the instrument: nothing is on, nothing runs, nothing is kept."""
        self.stop()
        self.run, self._actions, self._connected = None, [], False
        self._open_circuit_V, self._status, self._automatic = math.nan, Status(), True
        self.plant.use_galvanostat(False, self.act_s())
        self.plant.use_ladder(self.plant.ladder)
        if self.plant.is_on:
            self.plant.cell_off(self.act_s())
