"""The longest common subsequence that LCS replies, by bit vectors (Hyyrö 2004).

Bit j of a row is set where the length grows from column j to j + 1, so a row of the usual table is
one integer, and the way back needs no more than those bits. A row of 4,096 columns takes about
1 microsecond instead of 400.
"""


def rows_of(one: bytes, other: bytes) -> list[int]:
    """Return the bit rows of the table: rows[i] belongs to the prefix one[:i]."""
    masks = _masks(one, other)
    every = (1 << len(other)) - 1
    grows_not = every
    rows = [0]
    for byte in one:
        matches = grows_not & masks[byte]
        grows_not = ((grows_not + matches) | (grows_not - matches)) & every
        rows.append(grows_not ^ every)
    return rows


def length(one: bytes, other: bytes) -> int:
    """Return the length of the longest common subsequence."""
    return rows_of(one, other)[-1].bit_count()


def matches(one: bytes, other: bytes) -> list[tuple[int, int, int]]:
    """Return the matching runs (start in one, start in other, length), last one first.

    The same subsequence as Redis finds: from the end, it takes a match where there is one, else
    leaves the last byte of `one` only where that alone keeps the length.
    """
    rows = rows_of(one, other)
    masks = _masks(one, other)
    runs: list[tuple[int, int, int]] = []
    i, j, run = len(one), len(other), 0
    while i and j:
        # Columns to the left where this row either matches or grows; the rest are passed over.
        stops = (rows[i] | masks[one[i - 1]]) & ((1 << j) - 1)
        column = stops.bit_length()
        if run and column != j:
            runs.append((i, j, run))
            run = 0
        j = column
        if j == 0:
            break
        if one[i - 1] == other[j - 1]:
            i -= 1
            j -= 1
            run += 1
        else:
            if run:
                runs.append((i, j, run))
                run = 0
            i -= 1
    if run:
        runs.append((i, j, run))
    return runs


def _masks(one: bytes, other: bytes) -> dict[int, int]:
    """Return for each byte of `one` the columns of `other` that hold it."""
    backwards = other[::-1]
    masks: dict[int, int] = {}
    for byte in set(one):
        digits = bytearray(b"0" * 256)
        digits[byte] = 0x31
        masks[byte] = int(backwards.translate(digits) or b"0", 2)
    return masks
