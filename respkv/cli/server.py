"""`respkv server`: read the configuration, then serve."""

import logging
import sys
from collections.abc import Callable

from respkv.cli.log_lines import start_logging
from respkv.cluster.view import BUS_PORT_OFFSET, PORT_MAX, bus_port
from respkv.config import Config, ConfigError, read_config
from respkv.config.options import OPTIONS
from respkv.errors import InvariantViolation, LogFailed
from respkv.log.damage import ForeignDirectory, LogDamaged, UnknownFormat
from respkv.log.filesystem import DirectoryLocked
from respkv.node.server import serve

_LEVELS = {
    "debug": logging.DEBUG,
    "verbose": logging.INFO,
    "notice": logging.INFO,
    "warning": logging.WARNING,
}


def parse_arguments(arguments: list[str]) -> Config:
    """Return the options that a command line, its file and the environment give.

    Raises:
        ConfigError: one of them cannot be taken.
    """
    path = None
    flags: list[tuple[str, str]] = []
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        if not argument.startswith("--"):
            if path is not None:
                raise ConfigError(f"'{argument}': one configuration file is all that is read")
            path = argument
        elif argument == "--json":
            flags.append(("log-format", "json"))
        else:
            name, equals, text = argument[2:].partition("=")
            if not equals:
                at += 1
                if at >= len(arguments):
                    raise ConfigError(f"option --{name}: a value is missing")
                text = arguments[at]
            flags.append((name, text))
        at += 1
    config = read_config(path, flags)
    if config["cluster-peers"] and not config["cluster-enabled"]:
        raise ConfigError(
            "cluster-peers names nodes and cluster-enabled is no: add --cluster-enabled yes, or "
            "leave cluster-peers out"
        )
    if config["cluster-enabled"] and bus_port(config) > PORT_MAX:
        raise ConfigError(
            f"nodes would talk to each other on port + {BUS_PORT_OFFSET}, and there is no port "
            f"{bus_port(config)}: choose a lower --port, or name another one with --cluster-port"
        )
    return config


def server(arguments: list[str], serve: Callable[[Config], None] = serve) -> int:
    """Serve until SIGTERM; 0 when everything was synced. Tests serve on other disks."""
    if "--help" in arguments:
        print("respkv server [FILE.conf] [--DIRECTIVE VALUE ...]\n")
        for option in OPTIONS.values():
            if not option.text:
                continue
            print(f"  --{option.name:<28} {option.text} (default: {option.default or 'none'})")
        print(f"  --{'json':<28} the same as --log-format json")
        return 0
    try:
        config = parse_arguments(arguments)
        level, as_json = _LEVELS[config["loglevel"]], config["log-format"] == "json"
        start_logging(config["logfile"], level, as_json)
    except ConfigError as error:
        print(f"respkv server: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"respkv server: logfile {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    for warning in config.take_warnings():
        logging.getLogger("respkv").warning("%s", warning)
    if config["cluster-peers"] and not config["cluster-secret"] and not _is_loopback(config):
        logging.getLogger("respkv").warning(
            "cluster-secret is empty: whoever reaches this node's ports can pose as one of the "
            "cluster; give all nodes the same with --cluster-secret or RESPKV_CLUSTER_SECRET"
        )
    try:
        serve(config)
    except (
        DirectoryLocked,
        LogDamaged,
        UnknownFormat,
        ForeignDirectory,
        LogFailed,
        InvariantViolation,
    ) as error:
        logging.getLogger("respkv").critical("%s", error)
        return 1
    except OSError as error:
        logging.getLogger("respkv").critical("%s", _advice(error))
        return 1
    return 0


def _is_loopback(config: Config) -> bool:
    addresses = [address.removeprefix("-") for address in config["bind"].split()]
    return all(address.startswith("127.") or address == "::1" for address in addresses)


def _advice(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    return f"{error.filename}: {error.strerror}; is --dir writable for this user?"
