"""Inline commands: a line of words each, as telnet sends them and redis-benchmark's PING_INLINE."""

from typing import Final

from respkv.errors import ProtocolError
from respkv.wire.run import Argv, Run, encode_command

INLINE_BYTES_MAX: Final = 64 << 10
_ESCAPES: Final = {0x6E: b"\n", 0x72: b"\r", 0x74: b"\t", 0x62: b"\b", 0x61: b"\a"}
_SPACES: Final = b" \t\n\r\v\f\0"  # before a word and behind a quoted one
_WORD_ENDS: Final = b" \t\n\r\0"
_HEX: Final = b"0123456789abcdefABCDEF"
_PLAIN: Final = bytes(set(range(0x20, 0x7F)) - set(b"\"'"))


def take_inline(data: bytes, runs: list[Run]) -> int:
    """Take lines of plain words up to the first that is anything else; return the bytes taken."""
    taken = 0
    run: list[Argv] = []
    raws: list[bytes] = []
    last, raw = b"\n", b""  # no line is that
    argv: Argv = []
    for line in data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]:
        if line != last:
            words = line.removesuffix(b"\r")
            if words[:1] == b"*" or len(line) > INLINE_BYTES_MAX or words.translate(None, _PLAIN):
                break
            previous, argv = argv, words.split()
            if not argv:
                break
            if run and (argv[0] != previous[0] or len(argv) != len(previous)):
                runs.append((run, b"".join(raws)))
                run, raws = [], []
            last, raw = line, encode_command(argv)
        run.append(argv.copy())
        raws.append(raw)
        taken += len(line) + 1
    if run:
        runs.append((run, b"".join(raws)))
    return taken


def split_inline(line: bytes) -> Argv:
    """Split an inline command as Redis' sdssplitargs does.

    Raises:
        ProtocolError: a quote is not closed, or something follows a closing quote.
    """
    argv: Argv = []
    at = 0
    end = len(line)
    while True:
        while at < end and line[at] in _SPACES:
            at += 1
        if at >= end:
            return argv
        word = bytearray()
        quote = 0
        while True:
            if at >= end:
                if quote:
                    raise ProtocolError(b"ERR Protocol error: unbalanced quotes in request")
                break
            byte = line[at]
            if quote == 0x22 and byte == 0x5C and at + 1 < end:
                escape = line[at + 2 : at + 4]
                if line[at + 1] == 0x78 and len(escape) == 2 and all(c in _HEX for c in escape):
                    word.append(int(escape, 16))
                    at += 4
                else:
                    word += _ESCAPES.get(line[at + 1], line[at + 1 : at + 2])
                    at += 2
                continue
            if quote == 0x27 and line[at : at + 2] == b"\\'":
                word += b"'"
                at += 2
                continue
            if quote and byte == quote:
                at += 1
                if at < end and line[at] not in _SPACES:
                    raise ProtocolError(b"ERR Protocol error: unbalanced quotes in request")
                break
            if not quote:
                if byte in _WORD_ENDS:
                    break
                if byte in (0x22, 0x27):
                    quote = byte
                    at += 1
                    continue
            word.append(byte)
            at += 1
        argv.append(bytes(word))
