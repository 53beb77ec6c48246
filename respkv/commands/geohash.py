"""Places on earth as scores of 52 bits, the cells that a search looks through, and distances.

Longitude and latitude are halved 26 times; the bits of the two, interleaved with longitude first,
are the score. Its first bits name a larger cell that the place is in, so a cell is a range of
scores. Numbers are computed in the order that Redis 7.0 computes them: the last digit is part of
the reply.
"""

from math import asin, cos, isinf, nan, pi, sin, sqrt
from typing import Final

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878  # EPSG:900913 has no poles
STEPS_MAX: Final = 26
EARTH_RADIUS_M: Final = 6372797.560856
MERCATOR_MAX: Final = 20037726.37
ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
UINT32: Final = (1 << 32) - 1
_RADIAN: Final = pi / 180.0

# Bits apart by one, by pairs, by four ...: spreading a number doubles the distance of its bits.
_SPREAD: Final = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
_GATHER: Final = (
    (1, 0x3333333333333333),
    (2, 0x0F0F0F0F0F0F0F0F),
    (4, 0x00FF00FF00FF00FF),
    (8, 0x0000FFFF0000FFFF),
    (16, 0x00000000FFFFFFFF),
)

Cell = tuple[int, int]  # column (longitude) and row (latitude) among 2 ** steps of each
Place = tuple[float, float]  # longitude and latitude in degrees


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
        north = self.reach_north_m / EARTH_RADIUS_M / _RADIAN
        low_latitude, high_latitude = self.latitude - north, self.latitude + north
        narrow = low_latitude if self.latitude < 0 else high_latitude
        east = self.reach_east_m / EARTH_RADIUS_M / _cos(narrow * _RADIAN) / _RADIAN
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


def encode(longitude: float, latitude: float) -> int:
    """Return the score of a place."""
    column, row = cell_of(longitude, latitude, STEPS_MAX)
    return interleave(column, row)


def decode(score: float) -> Place:
    """Return the middle of the cell that a score names; any score names one, as Redis casts it."""
    bits = _uint64(score)
    column, row = _gather(bits >> 1), _gather(bits)
    longitude = (longitude_of(column, STEPS_MAX) + longitude_of(column + 1, STEPS_MAX)) / 2
    latitude = (latitude_of(row, STEPS_MAX) + latitude_of(row + 1, STEPS_MAX)) / 2
    return min(longitude, LONGITUDE_MAX), min(latitude, LATITUDE_MAX)


def standard_geohash(score: float) -> bytes:
    """Return the text of 11 characters that other geohash software reads: latitudes to 90.

    Ten of them hold 50 bits, and Redis fills up with a zero.
    """
    longitude, latitude = decode(score)
    column = int((longitude + 180.0) / 360.0 * (1 << STEPS_MAX))
    row = int((latitude + 90.0) / 180.0 * (1 << STEPS_MAX))
    bits = interleave(column, row)
    return bytes([ALPHABET[bits >> shift & 31] for shift in range(47, 1, -5)]) + b"0"


def distance(longitude: float, latitude: float, longitude2: float, latitude2: float) -> float:
    """Return the meters between two places on a ball (haversine)."""
    from_latitude, to_latitude = latitude * _RADIAN, latitude2 * _RADIAN
    across = sin((longitude2 * _RADIAN - longitude * _RADIAN) / 2)
    if across == 0.0:
        return EARTH_RADIUS_M * abs(to_latitude - from_latitude)
    up = sin((to_latitude - from_latitude) / 2)
    root = sqrt(up * up + cos(from_latitude) * cos(to_latitude) * across * across)
    # Rounding may put it beyond 1, where Redis has no number: one must not become a score.
    return 2.0 * EARTH_RADIUS_M * asin(min(root, 1.0))


def cell_of(longitude: float, latitude: float, steps: int) -> Cell:
    """Return the cell of a place after so many halvings."""
    column = (longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX) * (1 << steps)
    row = (latitude + LATITUDE_MAX) / (2 * LATITUDE_MAX) * (1 << steps)
    return int(column), int(row)


def longitude_of(column: int, steps: int) -> float:
    """Return a column's western edge."""
    return -LONGITUDE_MAX + (column & UINT32) / (1 << steps) * (2 * LONGITUDE_MAX)


def latitude_of(row: int, steps: int) -> float:
    """Return a row's southern edge."""
    return -LATITUDE_MAX + (row & UINT32) / (1 << steps) * (2 * LATITUDE_MAX)


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


def interleave(column: int, row: int) -> int:
    """Return the bits of both, each one of the column above one of the row."""
    return _spread(row) | _spread(column) << 1


def _spread(number: int) -> int:
    for shift, mask in _SPREAD:
        number = (number | number << shift) & mask
    return number


def _gather(bits: int) -> int:
    bits &= 0x5555555555555555
    for shift, mask in _GATHER:
        bits = (bits | bits >> shift) & mask
    return bits


def _uint64(score: float) -> int:
    """Return a score as a processor turns it into 64 bits, also where C leaves that open."""
    if isinf(score) or abs(score) >= 18446744073709551616.0:
        return 0 if score > 0 else 1 << 63
    if score < -9223372036854775808.0:
        return 1 << 63
    return int(score) & 0xFFFFFFFFFFFFFFFF


def _cos(angle: float) -> float:
    return nan if isinf(angle) else cos(angle)
