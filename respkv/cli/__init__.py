"""The `respkv` command: the server and small tools around it."""

import sys

USAGE = """\
respkv: a Redis Cluster you can pip install, that never loses a write it acknowledged

  respkv server [FILE.conf] [--port 6379] [--dir DIR] [--json] [--DIRECTIVE VALUE ...]
  respkv ping | wait-ready [--timeout S] | healthcheck   [--host H] [--port P] [--password P]
  respkv dev-cluster [--nodes 3] [--port 6379] [--dir DIR | --ephemeral]
  respkv dev-cluster status | kill NODE | kill-leader KEY | pause NODE | resume NODE | start NODE
                     | stop           [--port P | --dir DIR]
  respkv cluster status | nodes | owner KEY   [--host H] [--port P] [--password P] [--json]
  respkv cluster replace OLD_NODE_ID [--with NEW_NODE_ID]   for a node whose data is lost for ever
  respkv wal dump FILE|DIR            print a log as text
  respkv wal salvage DIR [--accept-loss]
  respkv doctor [--dir DIR] [--port P] [--json]

respkv server --help lists the directives.
"""


def main() -> int:
    """Run one of the verbs; imports nothing that it does not need."""
    arguments = sys.argv[1:]
    verb = arguments[0] if arguments else "--help"
    if verb == "server":
        from respkv.cli.server import server

        return server(arguments[1:])
    if verb in ("ping", "wait-ready", "healthcheck"):
        from respkv.cli.probe import probe

        return probe(verb, arguments[1:])
    if verb == "dev-cluster":
        from respkv.cli.dev_cluster import dev_cluster

        return dev_cluster(arguments[1:])
    if verb == "cluster":
        from respkv.cli.cluster import cluster

        return cluster(arguments[1:])
    if verb == "wal":
        from respkv.cli.wal import wal

        return wal(arguments[1:])
    if verb == "doctor":
        from respkv.cli.doctor import doctor

        return doctor(arguments[1:])
    if verb in ("--version", "-V", "version"):
        from respkv import __version__

        print(f"respkv {__version__}")
        return 0
    if verb in ("--help", "-h", "help"):
        sys.stdout.write(USAGE)
        return 0
    print(f"respkv: '{verb}' is none of its verbs:\n\n{USAGE}", end="", file=sys.stderr)
    return 2
