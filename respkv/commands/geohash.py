"""Places on earth as scores of 52 bits, their cells, and distances.

Longitude and latitude are halved 26 times; the bits of the two, interleaved with longitude first,
are the score. Its first bits name a larger cell that the place is in, so a cell is a range of
scores. Numbers are computed in the order that Redis 7.0 computes them: the last digit is part of
the reply.
"""

from math import asin, cos, isinf, pi, sin, sqrt
from typing import Final

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878  # EPSG:900913 has no poles
STEPS_MAX: Final = 26
EARTH_RADIUS_M: Final = 6372797.560856
ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
UINT32: Final = (1 << 32) - 1
RADIAN: Final = pi / 180.0

Cell = tuple[int, int]  # column (longitude) and row (latitude) among 2 ** steps of each
Place = tuple[float, float]  # longitude and latitude in degrees


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
    from_latitude, to_latitude = latitude * RADIAN, latitude2 * RADIAN
    across = sin((longitude2 * RADIAN - longitude * RADIAN) / 2)
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


def interleave(column: int, row: int) -> int:
    """Return the bits of both, each one of the column above one of the row."""
    return _spread(row) | _spread(column) << 1


def _spread(number: int) -> int:
    """Return the bits with a gap before each: halves go apart, then halves of halves ..."""
    number = (number | number << 16) & 0x0000FFFF0000FFFF
    number = (number | number << 8) & 0x00FF00FF00FF00FF
    number = (number | number << 4) & 0x0F0F0F0F0F0F0F0F
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & 0x5555555555555555


def _gather(bits: int) -> int:
    """Return every other bit, from the last one on."""
    bits &= 0x5555555555555555
    bits = (bits | bits >> 1) & 0x3333333333333333
    bits = (bits | bits >> 2) & 0x0F0F0F0F0F0F0F0F
    bits = (bits | bits >> 4) & 0x00FF00FF00FF00FF
    bits = (bits | bits >> 8) & 0x0000FFFF0000FFFF
    return (bits | bits >> 16) & UINT32


def _uint64(score: float) -> int:
    """Return a score as a processor turns it into 64 bits, also where C leaves that open."""
    if isinf(score) or abs(score) >= 18446744073709551616.0:
        return 0 if score > 0 else 1 << 63
    if score < -9223372036854775808.0:
        return 1 << 63
    return int(score) & 0xFFFFFFFFFFFFFFFF
