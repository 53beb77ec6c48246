"""The notation of a command's arguments, and what COMMAND DOCS says about them.

key value                        arguments: type string, but key of type key and pattern pattern
seconds:integer destination:key#1    a type, and for keys the number of the key specification
EX seconds:integer               an argument that a word announces
KEEPTTL    MAXLEN=max            a word alone; its name is the word in lower case, or given
[GET]                            optional
key...    GET pattern...!        repeated, and repeated with its word
condition(NX | XX)               one of these
key_value(key value)...          a block
EX seconds@2.6.12 old@<2.8.12    since a version, deprecated since a version
"""

import re
from typing import Final

from respkv.wire.reply import Reply, SetReply

_PARTS: Final = re.compile(r"\.\.\.!?|@<?[0-9.]+|[\[\]()<>|]|(?:(?!\.\.\.)[^\s\[\]()<>|@])+")
_REPEATED: Final = re.compile(r"(\S+) \[\1 \.\.\.\]")
_REPEATED_PAIR: Final = re.compile(r"(\S+) (\S+) \[\1 \2 \.\.\.\]")
_BRACKETS: Final = {"[": "]", "(": ")", "<": ">"}
_CLOSING: Final = ("]", ")", ">", "|")
_DEFAULT_TYPES: Final = {"key": "key", "pattern": "pattern"}


class Argument:
    """One argument, or a block or choice of several."""

    def __init__(self, name: str, type_: str, token: str | None) -> None:
        self.name = name
        self.type = type_
        self.token = token
        self.key_spec = -1
        self.flags: list[str] = []
        self.since = ""
        self.deprecated_since = ""
        self.arguments: list[Argument] = []

    def describe(self) -> Reply:
        """Return this argument's entry of COMMAND DOCS."""
        reply: dict[bytes, Reply] = {b"name": self.name.encode(), b"type": self.type.encode()}
        if self.key_spec >= 0:
            reply[b"key_spec_index"] = self.key_spec
        if self.token is not None:
            reply[b"token"] = self.token.encode()
        if self.since:
            reply[b"since"] = self.since.encode()
        if self.deprecated_since:
            reply[b"deprecated_since"] = self.deprecated_since.encode()
        if self.flags:
            reply[b"flags"] = SetReply(list(self.flags))
        if self.arguments:
            reply[b"arguments"] = [argument.describe() for argument in self.arguments]
        return reply


def parse_syntax(syntax: str) -> list[Argument]:
    """Return the arguments that a declaration's `syntax` spells.

    Raises:
        ValueError: its brackets do not match.
    """
    syntax = _REPEATED_PAIR.sub(r"\1_\2(\1 \2)...", syntax)
    syntax = _REPEATED.sub(r"\1...", syntax)
    parser = _Parser(_PARTS.findall(syntax))
    choices = parser.choices()
    if parser.parts:
        raise ValueError(f"unbalanced syntax {syntax!r}")
    return choices[0] if len(choices) == 1 else [_joined(choices)]


class _Parser:
    def __init__(self, parts: list[str]) -> None:
        self.parts = parts

    def choices(self) -> list[list[Argument]]:
        """Return the sequences between bars, up to a closing bracket or the end."""
        choices = [self._sequence()]
        while self.parts and self.parts[0] == "|":
            self.parts.pop(0)
            choices.append(self._sequence())
        return choices

    def _sequence(self) -> list[Argument]:
        arguments: list[Argument] = []
        while self.parts and self.parts[0] not in _CLOSING:
            arguments.append(self._argument())
        return arguments

    def _inside(self) -> list[list[Argument]]:
        opening = self.parts.pop(0)
        choices = self.choices()
        if not self.parts or self.parts.pop(0) != _BRACKETS[opening]:
            raise ValueError(f"no {_BRACKETS[opening]} to a {opening}")
        return choices

    def _argument(self) -> Argument:
        if self.parts[0] == "[":
            argument = _joined(self._inside())
            argument.flags.insert(0, "optional")
            return argument
        if self.parts[0] in _BRACKETS:
            return _joined(self._inside())
        word = self.parts.pop(0)
        if not _is_token(word):
            argument = self._named(word, None)
        elif self.parts and "=" not in word and _is_name(self.parts[0]):
            argument = self._named(self.parts.pop(0), word)
        else:
            token, _, name = word.rpartition("=")
            if not token:
                token, name = word, word.lower()
            argument = Argument(name, "pure-token", token.strip('"'))
        self._suffixes(argument)
        return argument

    def _named(self, word: str, token: str | None) -> Argument:
        word, _, key_spec = word.partition("#")
        name, _, type_ = word.rpartition(":")
        if not name:
            name, type_ = word, _DEFAULT_TYPES.get(word, "string")
        argument = Argument(name, type_, token)
        if type_ == "key" or key_spec:
            argument.key_spec = int(key_spec or "0")
        if self.parts and self.parts[0] == "(":
            group = _joined(self._inside(), always=True)
            argument.type, argument.arguments = group.type, group.arguments
        return argument

    def _suffixes(self, argument: Argument) -> None:
        while self.parts and self.parts[0][:1] in (".", "@"):
            suffix = self.parts.pop(0)
            if suffix.startswith("..."):
                argument.flags.append("multiple")
                if suffix == "...!":
                    argument.flags.append("multiple_token")
            elif suffix.startswith("@<"):
                argument.deprecated_since = suffix[2:]
            else:
                argument.since = suffix[1:]


def _is_token(part: str) -> bool:
    word = part.partition("=")[0]
    return word == word.upper()


def _is_name(part: str) -> bool:
    return part[0] not in "[]()<>|.@" and not _is_token(part)


def _joined(choices: list[list[Argument]], always: bool = False) -> Argument:
    """Return one argument for a group: a lone one itself, unless `always` a block or a choice."""
    if len(choices) > 1:
        joined = Argument("", "oneof", None)
        joined.arguments = [_joined([choice]) for choice in choices]
    elif len(choices[0]) == 1 and not always:
        return choices[0][0]
    else:
        joined = Argument("", "block", None)
        joined.arguments = choices[0]
    joined.name = "_".join([argument.name for argument in joined.arguments])
    return joined
