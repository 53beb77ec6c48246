"""Opening TCP ports, for clients and for peers, at addresses as redis.conf's `bind` writes them."""

import asyncio
import errno
import os
from collections.abc import Callable
from typing import Final

_EVERYWHERE: Final = {"*": "0.0.0.0", "::*": "::"}
_NOT_THERE: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


async def listen(
    factory: Callable[[], asyncio.BaseProtocol],
    addresses: list[str],
    port: int,
    options: str,
    backlog: int = 100,
) -> list[asyncio.Server]:
    """Return a server for each address; one written with a `-` may be missing on this machine.

    Raises:
        OSError: it cannot listen there; the text says which options choose another place.
    """
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    for address in addresses:
        name = address.removeprefix("-")
        host = _EVERYWHERE.get(name, name)
        try:
            servers.append(await loop.create_server(factory, host, port, backlog=backlog))
        except OSError as error:
            number = error.errno or 0  # below 0: a name that is not found
            if name != address and number in _NOT_THERE:
                continue
            for server in servers:
                server.close()
            why = os.strerror(number) if number > 0 else str(error)
            raise OSError(
                f"cannot listen on {name} port {port}: {why}; free it, or choose another "
                f"with {options}"
            ) from None
    return servers
