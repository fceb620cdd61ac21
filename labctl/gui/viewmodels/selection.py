"""What is selected, shared by grid, plot, table and queue (R8): channels, one of them current."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from labctl.gui.viewmodels.words import tr

Observer = Callable[[], None]


class Selection:
    """An ordered set of channels with a current one and the anchor of Shift."""

    def __init__(self) -> None:
        self._chosen: dict[str, None] = {}
        self._watchers: list[Observer] = []
        self.current = ""
        self.anchor = ""

    def __contains__(self, channel: str) -> bool:
        return channel in self._chosen

    def __len__(self) -> int:
        return len(self._chosen)

    @property
    def channels(self) -> tuple[str, ...]:
        """Return what is selected, in the order in which it was."""
        return tuple(self._chosen)

    def watch(self, observer: Observer) -> Callable[[], None]:
        """Call ``observer`` at each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _set(self, chosen: Iterable[str], current: str | None = None) -> None:
        before = (tuple(self._chosen), self.current)
        self._chosen = dict.fromkeys(chosen)
        self.current = self.current if current is None else current
        if before != (tuple(self._chosen), self.current):
            for observer in tuple(self._watchers):
                observer()

    def choose(self, *channels: str) -> None:
        """Select just these; the last one is current."""
        last = channels[-1] if channels else ""
        self.anchor = channels[0] if channels else ""
        self._set(channels, last)

    def toggle(self, channel: str) -> None:
        """Add a channel or take it out (Ctrl, Space)."""
        chosen = [name for name in self._chosen if name != channel]
        if channel not in self._chosen:
            chosen.append(channel)
        self.anchor = channel
        self._set(chosen, channel)

    def extend(self, channel: str, order: Sequence[str]) -> None:
        """Select from the anchor to a channel in the order that is shown (Shift)."""
        start = self.anchor if self.anchor in order else self.current
        if start not in order or channel not in order:
            self.choose(channel)
            return
        first, last = sorted((order.index(start), order.index(channel)))
        self._set(order[first : last + 1], channel)

    def lasso(self, channels: Collection[str], *, add: bool = False) -> None:
        """Select what a rectangle or a group holds; ``add`` to what is selected."""
        chosen = [*(self._chosen if add else ()), *channels]
        self._set(chosen, chosen[-1] if chosen else "")

    def move_to(self, channel: str) -> None:
        """Make a channel current without selecting it (arrow keys with Ctrl)."""
        self._set(self._chosen, channel)

    def clear(self) -> None:
        """Select nothing."""
        self._set(())

    def keep(self, known: Collection[str]) -> None:
        """Leave out channels that are there no more."""
        self._set(
            (name for name in self._chosen if name in known), self.current if self.current in known else ""
        )

    def told(self, label: Callable[[str], str], order: Sequence[str] = ()) -> str:
        """Return the selection in words: ``4 selected  2-01 ... 2-04``."""
        count = len(self._chosen)
        if not count:
            return tr("selection", "Nothing is selected.")
        places = {name: index for index, name in enumerate(order)}
        names = sorted(self._chosen, key=lambda name: places.get(name, 0)) if order else list(self._chosen)
        head = tr("selection", "{n} selected").format(n=count)
        if count <= 3:
            return f"{head}  {', '.join(label(name) for name in names)}"
        return f"{head}  {label(names[0])} … {label(names[-1])}"
