"""The file `cluster` in the data directory: who this node is, and the genesis it keeps for ever."""

import json
from typing import Final

from respkv.cluster.genesis import Genesis
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import FileSystem, join

_FILE: Final = "cluster"
_FORMAT: Final = 1


class Membership:
    """Durable once each method has returned.

    Raises:
        LogDamaged: the file is not what this version, or an older one, has written.
    """

    def __init__(self, fs: FileSystem, directory: str) -> None:
        self.node_id = ""
        self.genesis: Genesis | None = None
        self.is_confirmed = False  # all members keep this genesis
        self._fs = fs
        self._directory = directory
        if _FILE in fs.names(directory):
            # A process that died while renaming it has left the new name in the page cache only.
            fs.sync_directory(directory)
            self._read()
        else:
            self.node_id = "".join(f"{fs.random_salt():016x}" for _ in range(3))[:40]
            self._write(None, False)

    def accept(self, genesis: Genesis) -> bool:
        """Keep a genesis, if it is the first; return whether it is the one that is kept."""
        if self.genesis is None:
            self._write(genesis, False)
            self.genesis = genesis
        return self.genesis.encode() == genesis.encode()

    def confirm(self) -> None:
        """All members keep the genesis: elections may begin."""
        if not self.is_confirmed:
            self._write(self.genesis, True)
            self.is_confirmed = True

    def _read(self) -> None:
        file = self._fs.open(join(self._directory, _FILE))
        try:
            fields = json.loads(file.read_at(0, file.size()))
            if fields["format"] != _FORMAT:
                raise ValueError(f"format {fields['format']} is of a newer version")
            self.node_id = fields["node_id"]
            if fields["genesis"] is not None:
                self.genesis = Genesis.decode(fields["genesis"].encode())
            self.is_confirmed = fields["confirmed"]
        except (ValueError, KeyError, TypeError) as error:
            raise LogDamaged(join(self._directory, _FILE), 0, str(error)) from None
        finally:
            file.close()

    def _write(self, genesis: Genesis | None, is_confirmed: bool) -> None:
        fields = {
            "format": _FORMAT,
            "node_id": self.node_id,
            "genesis": None if genesis is None else genesis.encode().decode(),
            "confirmed": is_confirmed,
        }
        path = join(self._directory, _FILE)
        file = self._fs.open(path + ".new", create=True)
        try:
            file.write_at(0, json.dumps(fields).encode())
            file.datasync()
        finally:
            file.close()
        self._fs.rename(path + ".new", path)
        self._fs.sync_directory(self._directory)
