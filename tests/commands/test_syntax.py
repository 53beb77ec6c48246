"""The notation of arguments in declarations."""

import pytest

from respkv.commands.syntax import Argument, parse_syntax


def shape(arguments: list[Argument]) -> list[object]:
    """Return what a test compares: (name, type, token, flags, nested)."""
    return [
        (argument.name, argument.type, argument.token, argument.flags, shape(argument.arguments))
        for argument in arguments
    ]


def test_the_manuals_notation_is_understood_too() -> None:
    assert shape(parse_syntax("key [key ...]")) == shape(parse_syntax("key..."))
    assert shape(parse_syntax("key value [key value ...]")) == shape(
        parse_syntax("key_value(key value)...")
    )
    assert shape(parse_syntax("[NX | XX]")) == shape(parse_syntax("[nx_xx(NX | XX)]"))
    assert shape(parse_syntax("<ON | OFF>")) == shape(parse_syntax("on_off(ON | OFF)"))
    assert shape(parse_syntax("ON|OFF")) == shape(parse_syntax("on_off(ON | OFF)"))
    assert shape(parse_syntax("[a [AUTH b c]]")) == [
        (
            "a_b_c",
            "block",
            None,
            ["optional"],
            [
                ("a", "string", None, [], []),
                (
                    "b_c",
                    "block",
                    None,
                    ["optional"],
                    [("b", "string", "AUTH", [], []), ("c", "string", None, [], [])],
                ),
            ],
        )
    ]


def test_tokens_repeat_and_carry_their_own_names() -> None:
    assert shape(parse_syntax("[GET pattern...!]")) == [
        ("pattern", "pattern", "GET", ["optional", "multiple", "multiple_token"], [])
    ]
    assert shape(parse_syntax("op(==equal | ~=approximately)")) == [
        (
            "op",
            "oneof",
            None,
            [],
            [
                ("equal", "pure-token", "=", [], []),
                ("approximately", "pure-token", "~", [], []),
            ],
        )
    ]


@pytest.mark.parametrize("syntax", ["[key", "key]", "(a | b", "[a)", "a | b]"])
def test_unmatched_brackets_are_refused(syntax: str) -> None:
    with pytest.raises(ValueError):
        parse_syntax(syntax)
