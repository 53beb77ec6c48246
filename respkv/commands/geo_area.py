"""The area of a search: what is in it, and the cells of the earth that have all of it.

Nine cells, the one of the center and its neighbours, without those that cannot matter. Their order
is that of Redis 7.0, as it is the order of a reply that nobody wants sorted.
"""

from math import cos, isinf, nan, sqrt
from typing import Final

from respkv.commands.geohash import (
    EARTH_RADIUS_M,
    RADIAN,
    STEPS_MAX,
    Cell,
    Place,
    cell_of,
    distance,
    interleave,
    latitude_of,
    longitude_of,
)

MERCATOR_MAX: Final = 20037726.37  # half of the equator, in meters


class Area:
    """What a search asks for: a circle, or a box with sides along the compass, around a center.

    `unit_m` is the length in meters of the unit that `width` and `height` are in; a circle has its
    radius in both.
    """

    def __init__(
        self, center: Place, is_box: bool, width: float, height: float, unit_m: float
    ) -> None:
        self.longitude: float = center[0]
        self.latitude: float = center[1]
        self.is_box = is_box
        self.width_m: float = width * unit_m
        self.height_m: float = height * unit_m
        if is_box:
            half_width, half_height = width / 2, height / 2
            reach = sqrt(half_width * half_width + half_height * half_height)
            self.reach_east_m: float = unit_m * half_width
            self.reach_north_m: float = unit_m * half_height
            self.reach_m: float = reach * unit_m
        else:
            self.reach_east_m = self.reach_north_m = self.reach_m = self.width_m

    def distance_to(self, longitude: float, latitude: float) -> float:
        """Return a place's distance from the center in meters, -1 when it is not in the area."""
        if self.is_box:
            if distance(longitude, latitude, longitude, self.latitude) > self.height_m / 2:
                return -1.0
            if distance(longitude, latitude, self.longitude, latitude) > self.width_m / 2:
                return -1.0
            return distance(self.longitude, self.latitude, longitude, latitude)
        meters = distance(self.longitude, self.latitude, longitude, latitude)
        return -1.0 if meters > self.reach_m else meters

    def score_ranges(self) -> list[tuple[int, int]]:
        """Return ranges low <= score < high that have all of the area, in Redis' order."""
        north = self.reach_north_m / EARTH_RADIUS_M / RADIAN
        low_latitude, high_latitude = self.latitude - north, self.latitude + north
        narrow = low_latitude if self.latitude < 0 else high_latitude
        east = self.reach_east_m / EARTH_RADIUS_M / _cos(narrow * RADIAN) / RADIAN
        low_longitude, high_longitude = self.longitude - east, self.longitude + east
        steps = steps_for(self.reach_m, self.latitude)
        nine = Nine(self.longitude, self.latitude, steps)
        if steps > 1 and not (
            nine.north_max >= high_latitude
            and nine.south_min <= low_latitude
            and nine.east_max >= high_longitude
            and nine.west_min <= low_longitude
        ):
            nine = Nine(self.longitude, self.latitude, steps - 1)
        return nine.score_ranges(
            not nine.north_edge > high_latitude,
            not nine.south_edge < low_latitude,
            not nine.east_edge > high_longitude,
            not nine.west_edge < low_longitude,
        )


class Nine:
    """The cell of a place after so many halvings and its eight neighbours, across the date line.

    `north_edge` and its like are the degrees where the cell ends, `north_max` and its like where
    the neighbours do.
    """

    def __init__(self, longitude: float, latitude: float, steps: int) -> None:
        last = (1 << steps) - 1
        column, row = cell_of(longitude, latitude, steps)
        self.steps = steps
        self.column: int = column
        self.row: int = row
        self.east: int = (column + 1) & last
        self.west: int = (column - 1) & last
        self.north: int = (row + 1) & last
        self.south: int = (row - 1) & last
        self.east_edge: float = longitude_of(column + 1, steps)
        self.west_edge: float = longitude_of(column, steps)
        self.north_edge: float = latitude_of(row + 1, steps)
        self.south_edge: float = latitude_of(row, steps)
        self.east_max: float = longitude_of(self.east + 1, steps)
        self.west_min: float = longitude_of(self.west, steps)
        self.north_max: float = latitude_of(self.north + 1, steps)
        self.south_min: float = latitude_of(self.south, steps)

    def score_ranges(
        self, north: bool, south: bool, east: bool, west: bool
    ) -> list[tuple[int, int]]:
        """Return the scores of the cell and of its neighbours in these directions.

        All of them when the world is only four cells.
        """
        if self.steps < 2:
            north = south = east = west = True
        cells: list[Cell] = [(self.column, self.row)]
        if north:
            cells.append((self.column, self.north))
        if south:
            cells.append((self.column, self.south))
        if east:
            cells.append((self.east, self.row))
        if west:
            cells.append((self.west, self.row))
        if north and east:
            cells.append((self.east, self.north))
        if north and west:
            cells.append((self.west, self.north))
        if south and east:
            cells.append((self.east, self.south))
        if south and west:
            cells.append((self.west, self.south))
        shift = 2 * (STEPS_MAX - self.steps)
        ranges: list[tuple[int, int]] = []
        for column, row in cells:
            bits = interleave(column, row)
            found = (bits << shift, (bits + 1) << shift)
            # Large cells are neighbours of each other on both sides: those come in a row.
            if len(ranges) < 2 or found != ranges[-1]:
                ranges.append(found)
        return ranges


def steps_for(reach_m: float, latitude: float) -> int:
    """Return how many halvings make cells such that nine of them hold a search."""
    if reach_m == 0.0:
        return STEPS_MAX
    steps = -1
    while reach_m < MERCATOR_MAX:
        reach_m *= 2
        steps += 1
    if abs(latitude) > 66.0:
        steps -= 1
    if abs(latitude) > 80.0:
        steps -= 1
    return max(1, min(steps, STEPS_MAX))


def _cos(angle: float) -> float:
    return nan if isinf(angle) else cos(angle)
