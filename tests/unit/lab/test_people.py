from __future__ import annotations

import pytest

from lab import people


def test_every_person_has_an_id_of_her_own_and_a_name_in_both_alphabets() -> None:
    assert len(people.PEOPLE) == len(people.BY_ID) >= 1000
    assert people.PEOPLE[0] == people.Person("kim-minji", "Kim Minji", "김민지")
    assert all(person.user_id.isascii() and not person.ko.isascii() for person in people.PEOPLE)


def test_more_people_than_there_are_cannot_be_had() -> None:
    assert people.ids(2, after=1) == [person.user_id for person in people.PEOPLE[1:3]]
    with pytest.raises(ValueError, match="the lab has"):
        people.ids(len(people.PEOPLE), after=1)
