"""The options of a cluster: what they take, and what they refuse in which words."""

import pytest

from respkv.config import Config, ConfigError


def taken(name: str, text: str) -> Config:
    config = Config()
    config.set(name, text, "here")
    return config


@pytest.mark.parametrize(
    ("text", "peers", "shown"),
    [
        ("", (), ""),
        ("a:1", (("a", 1),), "a:1"),
        ("a:1,b:2, c:3 d:4", (("a", 1), ("b", 2), ("c", 3), ("d", 4)), "a:1,b:2,c:3,d:4"),
        ("[::1]:7000,n-1.example:7001", (("::1", 7000), ("n-1.example", 7001)), "[::1]:7000,n-1.example:7001"),
    ],
)  # fmt: skip
def test_peers(text: str, peers: object, shown: str) -> None:
    config = taken("cluster-peers", text)
    assert (config["cluster-peers"], config.text("cluster-peers")) == (peers, shown)
    assert taken("cluster-peers", shown)["cluster-peers"] == peers


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("cluster-peers", "a", "'a' is not of the form host:port"),
        ("cluster-peers", ":1", "':1' is not of the form host:port"),
        ("cluster-peers", "a:0", "'a:0' is not of the form host:port"),
        ("cluster-peers", "a:65536", "'a:65536' is not of the form host:port"),
        ("cluster-peers", "a:1,b:2,a:1", "an address stands there twice"),
        ("cluster-partitions", "48", "argument must be a power of two"),
        ("cluster-announce-hostname", "two words", "Hostnames may only contain alphanumeric "),
        ("cluster-announce-hostname", "h" * 256, "Hostnames must be less than 256 characters"),
        ("cluster-announce-ip", "1.2.3.4 master", "argument must be an address"),
        ("cluster-enabled", "maybe", "argument must be 'yes' or 'no'"),
    ],
)
def test_refusals(name: str, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        taken(name, text)
    assert why in str(refused.value)


def test_directives_of_redis_without_a_meaning_here_are_accepted_with_a_warning() -> None:
    config = Config()
    for name, text in (("cluster-require-full-coverage", "no"), ("cluster-migration-barrier", "1")):
        config.set(name, text, "here")
    assert len(config.take_warnings()) == 2


def test_the_node_timeout_of_redis_is_kept_and_the_log_says_once_that_it_means_nothing() -> None:
    """Elections here take 600 to 1,200 ms, alike on every node: leases count on that."""
    config = Config()
    for text in ("5000", "15000"):
        config.set("cluster-node-timeout", text, "here")
    assert config.text("cluster-node-timeout") == "15000"
    assert config.take_warnings() == [
        "'cluster-node-timeout' has no meaning here: it is kept, no more"
    ]
