"""The people of the lab: a thousand and more, each with a name in two alphabets.

A person's id is her romanised name, so that `SMEMBERS applied_user` can be read.
"""

from __future__ import annotations

from dataclasses import dataclass

FAMILY_NAMES = {
    "Kim": "김", "Lee": "이", "Park": "박", "Choi": "최", "Jung": "정", "Kang": "강", "Cho": "조",
    "Yoon": "윤", "Jang": "장", "Lim": "임", "Han": "한", "Oh": "오", "Seo": "서", "Shin": "신",
    "Kwon": "권", "Hwang": "황", "Ahn": "안", "Song": "송", "Ryu": "류", "Hong": "홍", "Jeon": "전",
    "Moon": "문", "Yang": "양", "Bae": "배", "Baek": "백",
}  # fmt: skip
GIVEN_NAMES = {
    "Minji": "민지", "Seoyeon": "서연", "Jiwoo": "지우", "Haeun": "하은", "Sua": "수아",
    "Minseo": "민서", "Jimin": "지민", "Yuna": "유나", "Chaewon": "채원", "Eunji": "은지",
    "Dahye": "다혜", "Sojin": "소진", "Nayeon": "나연", "Hyejin": "혜진", "Yerin": "예린",
    "Bora": "보라", "Jisoo": "지수", "Sumin": "수민", "Areum": "아름", "Gaeun": "가은",
    "Seojun": "서준", "Doyun": "도윤", "Siwoo": "시우", "Jiho": "지호", "Yejun": "예준",
    "Junwoo": "준우", "Hyunwoo": "현우", "Taeyang": "태양", "Minho": "민호", "Sungjin": "성진",
    "Donghyun": "동현", "Jaehyun": "재현", "Seungmin": "승민", "Kyungsoo": "경수", "Woojin": "우진",
    "Youngho": "영호", "Jinwoo": "진우", "Sanghoon": "상훈", "Geon": "건", "Hajun": "하준",
    "Inho": "인호", "Jungwoo": "정우",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One person."""

    user_id: str
    en: str
    ko: str


# The family name changes fastest, so neighbours in a run do not look like one family.
PEOPLE = tuple(
    Person(f"{family}-{given}".lower(), f"{family} {given}", FAMILY_NAMES[family] + hangul)
    for given, hangul in GIVEN_NAMES.items()
    for family in FAMILY_NAMES
)
BY_ID = {person.user_id: person for person in PEOPLE}


def ids(count: int, after: int = 0) -> list[str]:
    """Return the ids of `count` people, leaving out the first `after`."""
    chosen = [person.user_id for person in PEOPLE[after : after + count]]
    if len(chosen) < count:
        message = f"the lab has {len(PEOPLE)} people, not {after + count}"
        raise ValueError(message)
    return chosen
