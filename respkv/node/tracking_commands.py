"""CLIENT TRACKING and what goes with it: choices and their rules as in Redis 7.0."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.table import CONNECTION, LOADING, NOSCRIPT, STALE, command
from respkv.errors import BadSyntax, CommandError, quoted
from respkv.node.connection import Connection
from respkv.node.tracking import ClientTracking
from respkv.wire.reply import OK, Reply, SetReply
from respkv.wire.run import Argv

_ALWAYS: Final = CONNECTION | NOSCRIPT | LOADING | STALE
_SWITCH: Final = (
    b"ERR You can't switch %b mode%b before disabling tracking for this client, and then "
    b"re-enabling it with a different mode."
)


class _Choices:
    """The arguments of CLIENT TRACKING."""

    def __init__(self, session: Connection, argv: Argv) -> None:
        self.redirect = 0
        self.words: set[bytes] = set()
        self.prefixes: list[bytes] = []
        at = 3
        while at < len(argv):
            word = argv[at].upper()
            if word in (b"BCAST", b"OPTIN", b"OPTOUT", b"NOLOOP"):
                self.words.add(word)
            elif word == b"REDIRECT" and at + 1 < len(argv):
                at += 1
                if self.redirect:
                    raise CommandError(b"ERR A client can only redirect to a single other client")
                self.redirect = parse_int64(argv[at])
                if self.redirect not in session.node.clients:
                    text = b"ERR The client ID you want redirect to does not exist"
                    raise CommandError(text)
            elif word == b"PREFIX" and at + 1 < len(argv):
                at += 1
                self.prefixes.append(argv[at])
            else:
                raise BadSyntax()
            at += 1


@command(name="CLIENT|TRACKING", arity=-3, flags=_ALWAYS, group="connection", since="6.0.0",
         complexity="O(1). Some options may introduce additional complexity.",
         syntax="status(ON | OFF) [REDIRECT client-id:integer] [PREFIX prefix...!] [BCAST] [OPTIN] "
         "[OPTOUT] [NOLOOP]",
         summary="Enable or disable server assisted client side caching support")  # fmt: skip
def client_tracking(session: Connection, argv: Argv) -> Reply:
    """Turn invalidation messages on, with their options, or off."""
    choices = _Choices(session, argv)
    switch = argv[2].upper()
    if switch == b"ON":
        _turn_on(session, choices)
    elif switch == b"OFF":
        session.node.tracking.disable(session)
    else:
        raise BadSyntax()
    return OK


def _turn_on(session: Connection, choices: _Choices) -> None:
    words = choices.words
    bcast, optin, optout = b"BCAST" in words, b"OPTIN" in words, b"OPTOUT" in words
    if choices.prefixes and not bcast:
        raise CommandError(b"ERR PREFIX option requires BCAST mode to be enabled")
    before = session.tracking
    if before is not None and before.bcast != bcast:
        raise CommandError(_SWITCH % (b"BCAST", b" on/off"))
    if bcast and (optin or optout):
        raise CommandError(b"ERR OPTIN and OPTOUT are not compatible with BCAST")
    if optin and optout:
        raise CommandError(b"ERR You can't specify both OPTIN mode and OPTOUT mode")
    if before is not None and ((optin and before.optout) or (optout and before.optin)):
        raise CommandError(_SWITCH % (b"OPTIN/OPTOUT", b""))
    if bcast:
        _check_overlaps(before, choices.prefixes)
    state = ClientTracking(redirect=choices.redirect, bcast=bcast, optin=optin, optout=optout)
    state.noloop = b"NOLOOP" in words
    session.node.tracking.enable(session, state, choices.prefixes)


def _check_overlaps(before: ClientTracking | None, prefixes: list[bytes]) -> None:
    text = b"ERR Prefix '%b' overlaps with %b prefix '%b'. Prefixes for a single client must not overlap."
    for number, prefix in enumerate(prefixes):
        for known in sorted(before.prefixes) if before is not None else ():
            if prefix.startswith(known) or known.startswith(prefix):
                names = (quoted(prefix), b"an existing", quoted(known))
                raise CommandError(text % names)
        for other in prefixes[number + 1 :]:
            if prefix.startswith(other) or other.startswith(prefix):
                raise CommandError(text % (quoted(prefix), b"another provided", quoted(other)))


@command(name="CLIENT|CACHING", arity=3, flags=_ALWAYS, group="connection", since="6.0.0",
         syntax="mode(YES | NO)", summary="Instruct the server about tracking or not keys in the "
         "next request")  # fmt: skip
def client_caching(session: Connection, argv: Argv) -> Reply:
    """Say of the next command (or transaction) whether its keys are tracked."""
    state = session.tracking
    if state is None:
        raise CommandError(
            b"ERR CLIENT CACHING can be called only when the client is in tracking mode with "
            b"OPTIN or OPTOUT mode enabled"
        )
    choice = argv[2].upper()
    if choice not in (b"YES", b"NO"):
        raise BadSyntax()
    if choice == b"YES" and not state.optin:
        text = b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
        raise CommandError(text)
    if choice == b"NO" and not state.optout:
        text = b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
        raise CommandError(text)
    state.caching = True
    return OK


@command(name="CLIENT|TRACKINGINFO", arity=2, flags=_ALWAYS, group="connection", since="6.2.0",
         summary="Return information about server assisted client side caching for the current "
         "connection")  # fmt: skip
def client_trackinginfo(session: Connection, argv: Argv) -> Reply:
    """The choices in force."""
    state = session.tracking
    if state is None:
        return {b"flags": SetReply([b"off"]), b"redirect": -1, b"prefixes": []}
    flags = [b"on"]
    if state.bcast:
        flags.append(b"bcast")
    if state.optin:
        flags += [b"optin", b"caching-yes"] if state.caching else [b"optin"]
    if state.optout:
        flags += [b"optout", b"caching-no"] if state.caching else [b"optout"]
    if state.noloop:
        flags.append(b"noloop")
    if state.broken_redirect:
        flags.append(b"broken_redirect")
    return {
        b"flags": SetReply(flags),
        b"redirect": state.redirect,
        b"prefixes": sorted(state.prefixes),
    }


@command(name="CLIENT|GETREDIR", arity=2, flags=_ALWAYS, group="connection", since="6.0.0",
         summary="Get tracking notifications redirection client ID if any")  # fmt: skip
def client_getredir(session: Connection, argv: Argv) -> Reply:
    """The client that gets the messages; 0: this one, -1: tracking is off."""
    return -1 if session.tracking is None else session.tracking.redirect
