"""A view on a lab that a test fills: no network, no frame; what it asks and where it goes is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from labctl.gui.parts.view import Context, View, ViewSpec
from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.views.station import VIEW
from labctl.gui.views.station.view import StationView
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, box, running, tell

if TYPE_CHECKING:
    from labctl.gui.qt_bridge import Bridge
    from labctl.gui.session import Session


class AtOnce:
    """A bridge that computes at once, here."""

    def work(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Trouble], None] | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        """Compute; an error of the disk is told as the bridge tells it."""
        try:
            answer = function()
        except OSError as error:
            if failed is not None:
                failed(Trouble("work", str(error)))
        else:
            then(answer)


V = TypeVar("V", bound=View)


@dataclass
class Page(Generic[V]):
    """A view with all that a test looks at. ``gone`` are the views that it opened, ``said`` its toasts."""

    view: V
    lab: Lab
    asks: FakeAsks
    clock: TurnedClock
    gone: list[tuple[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


@contextmanager
def page_of(
    spec: ViewSpec, kind: type[V], session: Session, asks: FakeAsks, size: tuple[int, int],
    fill_lab: Callable[[Lab], None] = lambda lab: None,
) -> Iterator[Page[V]]:  # fmt: skip
    """Give a view, shown, on a lab that ``fill_lab`` fills; closed again after."""
    clock = TurnedClock()
    lab = a_lab(clock)
    fill_lab(lab)
    gone: list[tuple[str, Any]] = []
    said: list[str] = []
    troubles: list[Trouble] = []
    context = Context(
        lab, asks, Acts(asks, clock), cast("Bridge", AtOnce()), session,
        lambda name, target: gone.append((name, target)), said.append, troubles.append,
    )  # fmt: skip
    view = spec.make(context)
    assert isinstance(view, kind)
    view.retranslate()
    view.resize(*size)
    view.show()
    view.shown()
    try:
        yield Page(view, lab, asks, clock, gone, said, troubles)
    finally:
        view.hidden()
        view.close()
        view.deleteLater()


def units(count: int) -> list[str]:
    """Return the channels of so many units of eight."""
    return [f"neware:{unit}-{slot}" for unit in range(1, count + 1) for slot in range(1, 9)]


def fill(lab: Lab, count: int = 16, **words: Any) -> None:
    """Let every channel of so many units run, charge and discharge in turn."""
    names = units(count)
    tell(
        lab,
        box("neware", 8 * count),
        *(
            running(
                name,
                f"C{at:04}",
                run_id=f"r{at}",
                current_A=(1e-3, -1e-3)[at % 2],
                **words,
            )
            for at, name in enumerate(names)
        ),
    )


StationPage = Page[StationView]


@contextmanager
def station_page(
    session: Session, *, count: int = 16, size: tuple[int, int] = (1528, 908)
) -> Iterator[StationPage]:
    """Give the view, shown, on ``count`` units of eight running channels; closed again after."""
    with page_of(VIEW, StationView, session, FakeAsks(), size, lambda lab: fill(lab, count)) as page:
        yield page
