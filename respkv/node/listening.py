"""Opening a TCP port, for clients and for peers."""

import asyncio
import os
from collections.abc import Callable

PORT_MAX = 65_535


async def listen(
    factory: Callable[[], asyncio.BaseProtocol],
    addresses: list[str],
    port: int,
    options: str,
    backlog: int = 100,
) -> asyncio.Server:
    """Return a server that makes a protocol for each connection.

    Raises:
        OSError: it cannot listen there; the text says which options choose another place.
    """
    if port > PORT_MAX:
        raise OSError(f"there is no port {port}: choose another with {options}")
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(factory, addresses, port, backlog=backlog)
    except OSError as error:
        where = f"{' '.join(addresses)} port {port}"
        number = error.errno or 0  # below 0: a name that is not found
        why = os.strerror(number) if number > 0 else str(error)
        raise OSError(
            f"cannot listen on {where}: {why}; free it, or choose another with {options}"
        ) from None
