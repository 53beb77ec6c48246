"""How an option's text becomes its value, and which texts are refused (in Redis 7.0's words)."""

import re
from collections.abc import Callable
from math import isinf
from typing import Final

INT32_MIN: Final = -(1 << 31)
INT32_MAX: Final = (1 << 31) - 1
INT64_MAX: Final = (1 << 63) - 1
UINT64_MAX: Final = (1 << 64) - 1

_UNITS: Final = {"k": 1000, "kb": 1024, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30}
_SIZE: Final = re.compile(r"([0-9]{0,127})([kmg]?b?)", re.ASCII | re.IGNORECASE)
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


def size(low: int = 0, high: int = UINT64_MAX) -> Callable[[str], int]:
    """Take a number of bytes, with a unit or without."""

    def parse(text: str) -> int:
        found = _SIZE.fullmatch(text)
        if found is None:
            raise ValueError("argument must be a memory value")
        number = min(int(found[1] or 0) * _UNITS.get(found[2].lower(), 1), UINT64_MAX)
        if not low <= number <= high:
            raise ValueError(f"argument must be between {low} and {high} inclusive")
        return number

    return parse


def size_or_percent(text: str) -> str:
    """Take a number of bytes, or a percentage of maxmemory."""
    if text.endswith("%"):
        digits = text[:-1]
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("argument must be a memory or percent value")
        if int(digits) > 100:
            raise ValueError("percentage argument must be less or equal to 100")
        return text
    try:
        return str(size()(text))
    except ValueError:
        raise ValueError("argument must be a memory or percent value") from None


def yes_no(text: str) -> bool:
    """Take yes or no."""
    if text.lower() not in ("yes", "no"):
        raise ValueError("argument must be 'yes' or 'no'")
    return text.lower() == "yes"


def one_of(*choices: str) -> Callable[[str], str]:
    """Take one of several words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"argument(s) must be one of the following: {', '.join(choices)}")
        return text.lower()

    return parse


def number(low: int, high: int) -> Callable[[str], int]:
    """Take an integer of a range, both ends included."""

    def parse(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not -INT64_MAX - 1 <= int(text) <= INT64_MAX:
            raise ValueError("argument couldn't be parsed into an integer")
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"argument must be between {low} and {high} inclusive")
        return value

    return parse


def at_least(low: int, parse: Callable[[str], int]) -> Callable[[str], int]:
    """Take what `parse` takes, and read less than `low` as `low`."""
    return lambda text: max(low, parse(text))


def frequency(text: str) -> int:
    """Take hz: what is beyond 1 to 500 is read as the nearer of them."""
    return min(max(1, number(0, INT32_MAX)(text)), 500)


def addresses(text: str) -> tuple[tuple[str, int], ...]:
    """Take host:port, comma or blank between several."""
    found: list[tuple[str, int]] = []
    for address in text.replace(",", " ").split():
        host, colon, port = address.rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"'{address}' is not of the form host:port")
        found.append((host.removeprefix("[").removesuffix("]"), int(port)))
    if len(set(found)) != len(found):
        raise ValueError("an address stands there twice")
    return tuple(found)


def partitions(text: str) -> int:
    """Take a power of two, or 0."""
    value = number(0, 16384)(text)
    if value & (value - 1):
        raise ValueError("argument must be a power of two")
    return value


def host(text: str) -> str:
    """Take an address."""
    if not all(character.isprintable() and character not in " ,@" for character in text):
        raise ValueError("argument must be an address")
    return text


def hostname(text: str) -> str:
    """Take a name as DNS has them."""
    if len(text) > 255:
        raise ValueError("Hostnames must be less than 256 characters")
    if not all(
        character.isascii() and (character.isalnum() or character in "-.") for character in text
    ):
        raise ValueError("Hostnames may only contain alphanumeric characters, hyphens or dots")
    return text


class BufferLimit:
    """How much may wait for a client: `soft` bytes for `seconds`, `hard` bytes never; 0: any."""

    def __init__(self, hard: int, soft: int, seconds: int) -> None:
        self.hard = hard
        self.soft = soft
        self.seconds = seconds


_CLIENT_CLASSES: Final = {
    "normal": "normal",
    "slave": "slave",
    "replica": "slave",
    "pubsub": "pubsub",
}


def buffer_limits(text: str) -> dict[str, BufferLimit]:
    """Take classes of clients with their limits."""
    words = text.split()
    if len(words) % 4:
        raise ValueError("Wrong number of arguments in buffer limit configuration.")
    limits: dict[str, BufferLimit] = {}
    for class_, hard, soft, seconds in zip(*[iter(words)] * 4, strict=True):
        if class_.lower() not in _CLIENT_CLASSES:
            raise ValueError("Invalid client class specified in buffer limit configuration.")
        try:
            limit = BufferLimit(size()(hard), size()(soft), number(0, INT32_MAX)(seconds))
        except ValueError:
            raise ValueError(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration."
            ) from None
        limits[_CLIENT_CLASSES[class_.lower()]] = limit
    return limits


def save_points(text: str) -> str:
    """Take pairs of seconds and changes."""
    words = text.split()
    if len(words) % 2 or not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError("Invalid save parameters")
    if any(int(seconds) < 1 for seconds in words[::2]):
        raise ValueError("Invalid save parameters")
    return " ".join(words)


_ALL_EVENTS: Final = frozenset("g$lshzxetd")


def event_classes(text: str) -> str:
    """Take the letters of notify-keyspace-events; return them in Redis' order."""
    chosen: set[str] = set()
    for letter in text:
        if letter == "A":
            chosen |= _ALL_EVENTS
        elif letter in "g$lshzxetdnKEm":
            chosen.add(letter)
        else:
            raise ValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
    kinds = "A" if chosen >= _ALL_EVENTS else "".join(c for c in "g$lshzxetdn" if c in chosen)
    return kinds + "".join(c for c in "KEm" if c in chosen)


def percentiles(text: str) -> str:
    """Take numbers between 0 and 100."""
    for word in text.split():
        try:
            value = float(word)
            if isinf(value) and word[-1].isdigit():
                raise ValueError  # too large for a double
        except ValueError:
            raise ValueError("Invalid latency-tracking-info-percentiles parameters") from None
        if not 0 <= value <= 100:
            raise ValueError(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
            )
    return " ".join(f"{float(word):.10g}" for word in text.split())


def three_scores(text: str) -> str:
    """Take the values of oom-score-adj-values."""
    words = text.split()
    if len(words) != 3:
        raise ValueError("wrong number of arguments")
    if not all(_INTEGER.fullmatch(word) and -2000 <= int(word) <= 2000 for word in words):
        raise ValueError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
    return " ".join(words)


_TITLE_VARIABLES: Final = frozenset(
    "title listen-addr server-mode port tls-port unixsocket config-file".split()
)


def title_template(text: str) -> str:
    """Take a text with the variables of proc-title-template."""
    if not text:
        raise ValueError("template format is invalid or contains unknown variables")
    rest = re.sub(r"\{([a-z-]+)\}", lambda m: "" if m[1] in _TITLE_VARIABLES else "{", text)
    if "{" in rest or "}" in rest:
        raise ValueError("template format is invalid or contains unknown variables")
    return text
