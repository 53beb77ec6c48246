"""The process that builds a snapshot, on a disk that keeps only what was synced."""

import sys

from respkv.node.snapshot_child import main
from tests.processes.lossy_filesystem import LossyFileSystem

if __name__ == "__main__":
    main(sys.argv[1:], LossyFileSystem(sys.argv[1]))
