"""The version of a campaign as an entity tag."""

from __future__ import annotations

import pytest

from handlers.domain.errors import InvalidRequestError, PreconditionRequiredError
from handlers.edge.http.etag import expected_versions, version_header


@pytest.mark.parametrize("at_ms", [None, 1_795_316_400_123])
def test_a_tag_that_was_given_names_its_version(at_ms: int | None) -> None:
    tag = version_header(3, at_ms)["ETag"]
    for sent in (tag, f"W/{tag}"):
        assert expected_versions({"if-match": sent}) == frozenset({3})


def test_a_tag_with_a_moment_is_another_one_at_each_moment() -> None:
    assert version_header(3) == {"ETag": '"3"'}
    assert version_header(3, 5) == {"ETag": '"3-5"'}


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ('"1", "22-9" ,W/"3"', {1, 22, 3}),
        ('"1,2"', set()),
        ('",",W/"a,\t"', None),
        ('"a,1"\t,\t"3"', {3}),
        ('"abc"', set()),
        ('""', set()),
        ('"1-"', set()),
        ('"-1"', set()),
        ('"٣"', None),
        (f'"{"9" * 50}"', set()),
        ("*", "any"),
        (" * ", "any"),
        ("3", None),
        ("", None),
        ('"3', None),
        ('"3",', None),
        ('"3" "4"', None),
        ('w/"3"', None),
    ],
)
def test_if_match_names_versions_any_one_or_is_malformed(header: str, versions: object) -> None:
    if versions is None:
        with pytest.raises(InvalidRequestError, match="If-Match: "):
            expected_versions({"if-match": header})
    else:
        assert expected_versions({"if-match": header}) == (None if versions == "any" else versions)


def test_without_the_header_it_is_required() -> None:
    with pytest.raises(PreconditionRequiredError):
        expected_versions({})
