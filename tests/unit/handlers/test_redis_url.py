"""REDIS_URL in all its forms, and what is said of a malformed one."""

from __future__ import annotations

import pytest

from handlers.config import ConfigurationError
from handlers.redis_url import RedisUrl

PASSWORD = "r3dis-passw0rd"
CREDENTIALS = f"shop:{PASSWORD}@"


def refusal(text: str, *, is_cluster: bool = False) -> str:
    with pytest.raises(ConfigurationError) as caught:
        RedisUrl.parse(text, is_cluster=is_cluster)
    assert caught.value.__cause__ is None
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "servers", "url"),
    [
        ("redis://a.example.com", [("a.example.com", 6379)], "redis://a.example.com:6379/"),
        ("rediss://10.0.0.1:7000/3", [("10.0.0.1", 7000)], "rediss://10.0.0.1:7000/3"),
        ("redis://[::1]:7000/0", [("::1", 7000)], "redis://[::1]:7000/0"),
        (
            f"redis://{CREDENTIALS}a:7000?socket_timeout=0.5",
            [("a", 7000)],
            f"redis://{CREDENTIALS}a:7000/?socket_timeout=0.5",
        ),
        ("unix:///run/redis.sock?db=1", [], "unix:///run/redis.sock?db=1"),
    ],
)
def test_one_server_is_given_to_redis_py_as_it_is(
    text: str, servers: list[tuple[str, int]], url: str
) -> None:
    parsed = RedisUrl.parse(text)
    assert (list(parsed.servers), parsed.url, parsed.service) == (servers, url, "")


def test_a_cluster_may_be_named_by_several_of_its_nodes() -> None:
    url = f"rediss://{CREDENTIALS}a:7000,b.example.com, [::1]:7002/0?ssl_ca_certs=%2Fca.pem"
    parsed = RedisUrl.parse(url, is_cluster=True)
    assert parsed.servers == (("a", 7000), ("b.example.com", 6379), ("::1", 7002))
    assert parsed.url == f"rediss://{CREDENTIALS}a:7000/0?ssl_ca_certs=%2Fca.pem"
    assert parsed.where == "a:7000,b.example.com:6379,::1:7002"


def test_sentinels_are_named_with_the_service_that_they_know() -> None:
    url = f"redis+sentinel://{CREDENTIALS}a:26379,b/shop/2?sentinel_password=s%40e&db=2"
    parsed = RedisUrl.parse(url)
    assert parsed.servers == (("a", 26379), ("b", 26379))
    assert (parsed.service, parsed.sentinel_user, parsed.sentinel_password) == ("shop", "", "s@e")
    assert parsed.url == f"redis://{CREDENTIALS}a:26379/2?db=2"
    assert RedisUrl.parse("rediss+sentinel://a/shop").url == "rediss://a:26379/"


def test_neither_password_is_shown() -> None:
    parsed = RedisUrl.parse(f"redis+sentinel://{CREDENTIALS}a/shop?sentinel_password={PASSWORD}")
    assert PASSWORD not in repr(parsed)
    assert parsed.where == "a:26379"
    assert RedisUrl.parse(f"unix://{CREDENTIALS}/run/redis.sock").where == "/run/redis.sock"


@pytest.mark.parametrize("text", ["", "redis", "redis://", "http://a", "redis+tls://a", "a:6379"])
def test_the_beginnings_that_are_known_are_named(text: str) -> None:
    known = "redis:// or rediss:// or unix:// or redis+sentinel:// or rediss+sentinel://"
    assert refusal(text) == f"REDIS_URL must begin with {known}"


@pytest.mark.parametrize(
    "server", ["", ":7000", "a:", "a:port", "a:0", "a:65536", "a:123456", "a b", "::1", "[x]:1"]
)
def test_a_malformed_server_is_named_by_its_place(server: str) -> None:
    expected = "must be host:port; a password's / ? # [ ] @ must be escaped"
    said = refusal(f"redis://a:7000,{server},b:7000", is_cluster=True)
    assert said == f"REDIS_URL is malformed: server 2 of 3 {expected}"
    said = refusal(f"redis://{server}/0")
    assert said == f"REDIS_URL is malformed: its server {expected}"


@pytest.mark.parametrize("password", [f"{PASSWORD}/0", f"{PASSWORD}?", f"{PASSWORD},x/"])
def test_a_password_that_was_not_escaped_is_not_shown(password: str) -> None:
    assert "must be escaped" in refusal(f"redis://:{password}@a:7000")


def test_several_servers_need_a_cluster_or_sentinels() -> None:
    expected = "names several servers, which needs REDIS_CLUSTER=on or redis+sentinel://"
    assert refusal("redis://a:7000,b:7001/0") == f"REDIS_URL {expected}"


@pytest.mark.parametrize("text", ["unix:///run/redis.sock", "redis+sentinel://a/shop"])
def test_a_cluster_has_neither_sockets_nor_sentinels(text: str) -> None:
    expected = "must begin with redis:// or rediss:// when REDIS_CLUSTER is on"
    assert refusal(text, is_cluster=True) == f"REDIS_URL {expected}"


def test_a_cluster_has_only_database_0() -> None:
    assert RedisUrl.parse("redis://a/0", is_cluster=True)
    assert "database other than 0" in refusal("redis://a/1", is_cluster=True)


@pytest.mark.parametrize("text", ["redis://a/x", "redis+sentinel://a/shop/x"])
def test_a_database_is_a_number(text: str) -> None:
    assert "/DATABASE, a whole number" in refusal(text)


@pytest.mark.parametrize("text", ["redis+sentinel://a", "rediss+sentinel://a,b/"])
def test_sentinels_without_a_service_are_refused(text: str) -> None:
    assert refusal(text) == ("REDIS_URL must end with /SERVICE, the name that the sentinels know")
