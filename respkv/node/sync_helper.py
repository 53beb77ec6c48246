"""A forked process that calls fdatasync, so that neither the loop nor the GIL waits for the disk.

A thread would learn of a finished sync up to 15 ms late while the loop is busy (the GIL switch
interval); this answers over a socket pair in about 130 us and costs 16 us to ask.
"""

import asyncio
import errno
import mmap
import os
import signal
import socket
import struct
import time
from collections.abc import Callable

from respkv.log.direct import BLOCK, STAGED_BYTES_MAX, write_blocks
from respkv.log.filesystem import File

_REQUEST = struct.Struct("<QQ")  # LSN, where to write the staged blocks that follow, if any
_FD = struct.Struct("@i")
_ANSWER = struct.Struct("<QId")  # LSN, errno (0: durable), seconds it took


class SyncHelper:
    """Start it before the event loop and before threads: it forks."""

    def __init__(self, datasync: Callable[[int], None] = os.fdatasync) -> None:
        parent, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process_id = os.fork()
        if self.process_id == 0:
            parent.close()
            try:
                _serve(child, datasync)
            finally:
                os._exit(0)
        child.close()
        parent.setblocking(False)
        self._datasync = datasync
        self._socket = parent
        self._shared: File | None = None
        self._on_synced: Callable[[int, int, float], None] = lambda lsn, error, seconds: None

    def attach(
        self, loop: asyncio.AbstractEventLoop, on_synced: Callable[[int, int, float], None]
    ) -> None:
        """Have `on_synced(lsn, errno, seconds)` called in `loop` for each sync, in the order asked."""
        self._on_synced = on_synced
        loop.add_reader(self._socket.fileno(), self._readable)

    def sync(self, file: File, lsn: int) -> None:
        """Ask for what is staged to be written, and for an fdatasync of `file`."""
        offset, blocks = file.staged()
        request: list[bytes | memoryview] = [_REQUEST.pack(lsn, offset), blocks]
        if file is self._shared:
            self._socket.sendmsg(request)
        else:
            socket.send_fds(self._socket, request, [file.fd])
            self._shared = file  # by identity: a closed file's descriptor number comes back

    def sync_here(self, file: File) -> None:
        """Do the same in this process; the loop stands still meanwhile.

        Raises:
            OSError: it is not known what is durable.
        """
        file.write_staged()
        self._datasync(file.fd)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the process and wait for it."""
        loop.remove_reader(self._socket.fileno())
        self._socket.close()
        os.waitpid(self.process_id, 0)

    def _readable(self) -> None:
        answer = self._socket.recv(_ANSWER.size)
        if not answer:
            raise ConnectionResetError("the process that syncs the log has ended")
        if self._shared is not None:
            self._shared.staged_written()
        self._on_synced(*_ANSWER.unpack(answer))


def _serve(requests: socket.socket, datasync: Callable[[int], None]) -> None:
    """Sync until the parent is gone; signals of the terminal are the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    fd = -1
    request = bytearray(_REQUEST.size)
    memory = memoryview(mmap.mmap(-1, STAGED_BYTES_MAX + 2 * BLOCK))  # aligned
    while True:
        size, ancillary, _, _ = requests.recvmsg_into(
            [request, memory], socket.CMSG_SPACE(_FD.size)
        )
        if not size:
            return
        for _, _, data in ancillary:
            if fd >= 0:
                os.close(fd)
            fd = _FD.unpack(data)[0]
        lsn, offset = _REQUEST.unpack(request)
        error = 0
        started = time.perf_counter()
        try:
            if size > _REQUEST.size:
                write_blocks(fd, offset, memory[: size - _REQUEST.size])
            datasync(fd)
        except OSError as failure:
            error = failure.errno or errno.EIO
        requests.send(_ANSWER.pack(lsn, error, time.perf_counter() - started))
