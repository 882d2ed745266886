"""What is left of a user who was erased."""

from __future__ import annotations

from handlers.domain.identifiers import is_user_id
from handlers.domain.pseudonyms import Pseudonyms

NAMES = Pseudonyms(lambda: "a-secret")


def test_a_pseudonym_is_a_valid_user_id_and_always_the_same() -> None:
    name = NAMES.of("welcome", "42")
    assert is_user_id(name)
    assert name == Pseudonyms(lambda: "a-secret").of("welcome", "42")
    assert "42" not in name.removeprefix("erased-") or len(name) == 39


def test_each_campaign_user_and_secret_has_others() -> None:
    names = {
        NAMES.of("welcome", "42"),
        NAMES.of("welcome", "43"),
        NAMES.of("summer", "42"),
        Pseudonyms(lambda: "another").of("welcome", "42"),
    }
    assert len(names) == 4


def test_only_a_pseudonym_of_this_secret_is_recognised() -> None:
    name = NAMES.of("welcome", "42")
    changed = "a" if name[-1] != "a" else "b"
    assert NAMES.made(name)
    for other in (
        "42",
        "erased-",
        f"erased-{'a' * 32}",
        f"{name[:-1]}{changed}",
        f"{name}a",
        f"x{name}",
        Pseudonyms(lambda: "another").of("welcome", "42"),
    ):
        assert not NAMES.made(other)


def test_a_digest_tells_bytes_apart_and_is_no_pseudonym() -> None:
    assert NAMES.digest(b"one") == NAMES.digest(b"one")
    assert NAMES.digest(b"one") != NAMES.digest(b"two")
    assert not NAMES.made(f"erased-{NAMES.digest(b'one')}")


def test_the_secret_is_read_when_it_is_needed() -> None:
    asked: list[str] = []

    def secret() -> str:
        asked.append("secret")
        return "a-secret"

    names = Pseudonyms(secret)
    assert not asked
    assert names.of("welcome", "42") == names.of("welcome", "42")
    assert asked == ["secret"]
