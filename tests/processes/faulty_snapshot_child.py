"""The process that builds a snapshot, on the disk of `faulty_server`."""

import sys

from respkv.node.snapshot_child import main
from tests.processes.faulty_server import faulty_disk

if __name__ == "__main__":
    main(sys.argv[1:], faulty_disk(sys.argv[2]))
