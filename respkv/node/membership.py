"""The file `cluster` in the data directory: who this node is, the genesis it keeps for ever, and
what it has learnt of the members since.
"""

import json
from typing import Any, Final

from respkv.cluster.genesis import Genesis
from respkv.cluster.roster import Replacement, decode_replacements, encode_replacements
from respkv.log.damage import ForeignDirectory, LogDamaged
from respkv.log.filesystem import FileSystem, join

FILE: Final = "cluster"
_FORMAT: Final = 2  # 1 knows of no replacements, starts and peers


class Membership:
    """Durable once each method has returned; making one counts a start of this node.

    `peers` holds by node id what each has said of itself when it connected last.

    Raises:
        LogDamaged: the file is not what this version, or an older one, has written.
    """

    def __init__(self, fs: FileSystem, directory: str) -> None:
        self.node_id = ""
        self.genesis: Genesis | None = None
        self.is_confirmed = False  # all members keep this genesis
        self.replacements: list[Replacement] = []
        self.starts = 0  # a copy of this directory that is started as well has no more of them
        self.run_id = f"{fs.random_salt():016x}"
        self.peers: dict[str, dict[str, Any]] = {}
        self._fs = fs
        self._directory = directory
        if FILE in fs.names(directory):
            # A process that died while renaming it has left the new name in the page cache only.
            fs.sync_directory(directory)
            self._read()
        else:
            self.node_id = "".join(f"{fs.random_salt():016x}" for _ in range(3))[:40]
        self.starts += 1
        self._write(self.genesis, self.is_confirmed)

    @property
    def is_shared(self) -> bool:
        """Whether other nodes hold what this one has lost."""
        return self.genesis is not None and len(self.genesis.members) > 1

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

    def keep_replacements(self, replacements: list[Replacement]) -> None:
        """Keep who has come in whose place."""
        self.replacements = list(replacements)
        self._write(self.genesis, self.is_confirmed)

    def join(self, genesis: Genesis, replacements: list[Replacement]) -> None:
        """Become a member of a cluster that has formed before."""
        self.replacements = list(replacements)
        self._write(genesis, True)
        self.genesis = genesis
        self.is_confirmed = True

    def refuse_foreign_log(self, has_data: bool) -> None:
        """Let no other server's log become that of a member.

        Raises:
            ForeignDirectory: there is one, and nothing says of which cluster.
        """
        if has_data and self.genesis is None:
            raise ForeignDirectory(
                f"{self._directory} holds data, but not of a cluster's node (cluster-enabled yes): "
                f"give this node a directory of its own with --dir. If only its file '{FILE}' is "
                "lost, it has forgotten who it is: move the directory away, start again, and run "
                "what the log then says"
            )

    def keep_peer(self, node_id: str, said: dict[str, Any]) -> None:
        """Keep what a peer has said of itself."""
        if self.peers.get(node_id) != said:
            self.peers[node_id] = said
            self._write(self.genesis, self.is_confirmed)

    def _read(self) -> None:
        fields = _fields(self._fs, self._directory)
        try:
            if fields["format"] not in (1, _FORMAT):
                raise ValueError(f"format {fields['format']} is of a newer version")
            self.node_id = fields["node_id"]
            if fields["genesis"] is not None:
                self.genesis = Genesis.decode(fields["genesis"].encode())
            self.is_confirmed = fields["confirmed"]
            if fields["format"] > 1:
                self.replacements = decode_replacements(fields["replacements"])
                self.starts = fields["starts"]
                self.peers = fields["peers"]
        except (ValueError, KeyError, TypeError) as error:
            raise LogDamaged(join(self._directory, FILE), 0, str(error)) from None

    def _write(self, genesis: Genesis | None, is_confirmed: bool) -> None:
        fields = {
            "format": _FORMAT,
            "node_id": self.node_id,
            "genesis": None if genesis is None else genesis.encode().decode(),
            "confirmed": is_confirmed,
            "replacements": encode_replacements(self.replacements),
            "starts": self.starts,
            "peers": self.peers,
        }
        path = join(self._directory, FILE)
        file = self._fs.open(path + ".new", create=True)
        try:
            file.write_at(0, json.dumps(fields).encode())
            file.datasync()
        finally:
            file.close()
        self._fs.rename(path + ".new", path)
        self._fs.sync_directory(self._directory)


def refuse_members_directory(fs: FileSystem, directory: str) -> None:
    """Let a server outside of any cluster keep its hands off a member's directory.

    Raises:
        ForeignDirectory: it is one.
    """
    if FILE in fs.names(directory):
        raise ForeignDirectory(
            f"{directory} is that of a cluster's node: start it with --cluster-enabled yes, or give "
            "this server a directory of its own with --dir"
        )


def _fields(fs: FileSystem, directory: str) -> dict[str, Any]:
    path = join(directory, FILE)
    file = fs.open(path)
    try:
        fields: dict[str, Any] = json.loads(file.read_at(0, file.size()))
        return fields
    except ValueError as error:
        raise LogDamaged(path, 0, str(error)) from None
    finally:
        file.close()


def is_member(fs: FileSystem, directory: str) -> bool:
    """Return whether a directory is that of a node whose cluster has others as well."""
    if FILE not in fs.names(directory):
        return False
    genesis = _fields(fs, directory).get("genesis")
    return genesis is not None and len(Genesis.decode(genesis.encode()).members) > 1
