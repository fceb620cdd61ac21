"""Where tiles stand: as in the cabinet, side by side where there is room, never over each other."""

from __future__ import annotations

import pytest

from labctl.gui.viewmodels.grid import Grid, Section
from labctl.gui.viewmodels.gridplaces import MEASURES, GridPlaces, TileSize, grid_places
from labctl.testing.guilab import a_lab
from labctl.testing.guistation import fill


def same(size_px: float) -> int:
    return round(size_px)


def bench(units: int) -> Grid:
    lab = a_lab()
    fill(lab, units)
    return Grid(lab)


def apart(places: GridPlaces) -> bool:
    boxes = list(places.tiles.values())
    return not any(
        a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
        for at, a in enumerate(boxes)
        for b in boxes[at + 1 :]
    )


@pytest.mark.parametrize("size", list(TileSize))
@pytest.mark.parametrize("width", [400, 900, 1262, 1495, 1850, 2500, 3800])
def test_no_two_tiles_touch_and_every_channel_has_a_place(size: TileSize, width: int) -> None:
    grid = bench(12)
    places = grid_places(grid.sections, size, width, same)
    assert set(places.tiles) == set(grid.order) and apart(places)
    measure = MEASURES[size]
    assert all(measure.least <= box[2] <= measure.most for box in places.tiles.values())


def test_two_racks_stand_side_by_side_on_1600_and_stacked_below_that() -> None:
    grid = bench(16)
    wide = grid_places(grid.sections, TileSize.M, 1491, same)
    assert wide.blocks[0].area[1] == wide.blocks[1].area[1] and wide.width <= 1491
    narrow = grid_places(grid.sections, TileSize.M, 1250, same)
    assert narrow.blocks[1].area[1] > narrow.blocks[0].area[1] + narrow.blocks[0].area[3]
    assert narrow.tiles["neware:1-1"][2] > wide.tiles["neware:1-1"][2]  # the room is used


def test_a_short_rack_leaves_no_hole_below_it() -> None:
    tall = Section("A", "", ("a1", "a2"), ((0, 0), (7, 0)), 8)
    short, next_one = Section("B", "", ("b1",), ((0, 0),), 1), Section("C", "", ("c1",), ((0, 0),), 1)
    places = grid_places([tall, short, next_one], TileSize.M, 250, same)
    assert places.tiles["c1"][0] == places.tiles["b1"][0] and places.tiles["c1"][1] > places.tiles["b1"][1]
    assert places.beside("a1", 0, 1) == "a2" and places.beside("a1", 1, 0) == "b1"
    assert places.beside("b1", 1, 0) != "b1"


def test_a_point_names_its_channel_its_unit_or_its_rack() -> None:
    places = grid_places(bench(16).sections, TileSize.M, 1491, same)
    left, top, width, height = places.tiles["neware:3-4"]
    assert places.at(left + width // 2, top + height // 2) == "neware:3-4"
    assert places.at(left - 2, top) == ""
    assert len(places.group_at(3, top + 4)) == 8 and len(places.group_at(40, 5)) == 64
    assert places.group_at(left, top) == ()


def test_nothing_is_placed_where_there_is_nothing() -> None:
    places = grid_places((), TileSize.M, 1000, same)
    assert places.tiles == {} and places.at(1, 1) == "" and places.beside("x", 1, 0) == ""


def test_tiles_grow_in_height_only_where_all_of_them_are_seen() -> None:
    few, many = bench(4), bench(32)
    tall = grid_places(few.sections, TileSize.M, 1491, same, 0, 780)
    assert tall.tiles["neware:1-1"][3] > 88 and tall.height <= 780 and apart(tall)
    assert grid_places(many.sections, TileSize.M, 1491, same, 0, 780).tiles["neware:1-1"][3] == 88
