"""The finder of persons: who is asked about, however a name is spelt."""
# ruff: noqa: RUF001  other scripts are the point

import time

import pytest

from casemate.gateway.persons import find, persons

SAME: dict[str, list[str]] = {
    "order and comma": ["Where is John Carter?", "Where is Carter, John?", "Carter John is here."],
    "accents": ["José Álvarez left.", "Jose Alvarez left.", "José Álvarez left."],
    "titles and middle names": ["Dr. John Carter", "Mr John Quincy Carter", "John Q. Carter"],
    "case of the family's name": ["John CARTER", "JOHN Carter", "John Carter"],
    "hyphens": ["Anne-Marie Weiss", "Anne–Marie Weiss"],
    "a word that begins the sentence": ["Where Anna Schmidt lives", "Find Anna Schmidt"],
    "Cyrillic": ["Где Иван Петров?", "Петров Иван здесь"],
    "Chinese": ["他名叫王小明。", "姓名：王小明，男"],
    "Chinese with a title": ["请问王明先生在吗", "王明先生"],
    "Korean": ["김철수 씨는 어디에 있나요", "김철수씨"],
    "Arabic": ["أين السيد أحمد منصور", "السيد أحمد  منصور"],
    "a phone": ["call +1 (202) 555-0143", "phone 202-555-0143", "mobile 2025550143"],
    "an address for mail": ["write to Ann.Lee@example.org", "ann.lee+news@EXAMPLE.org"],
    "a national number": ["ssn 123-45-6789", "his id is 123 45 6789"],
    "a plate": ["the car B-MW 1234", "licence plate BMW1234"],
}
NOBODY = [
    "how do i restart a pod in kubernetes",
    "The United States and New York",
    "On Monday the Ministry of Defence met.",
    "Use Visual Studio Server and Windows Server 2019.",
    "An Introduction To Modern Supply Chain Management Systems Today",
    "The date is 2024-01-31, or 31.01.2024, at 10:30.",
    "The number is 2024-01-31.",
    "Run 12345678 rows through it.",
    "我们开会讨论后勤问题。",
    "SELECT COUNT FROM USERS",
]


@pytest.mark.parametrize("texts", SAME.values(), ids=SAME.keys())
def test_spellings_of_one_person_count_once(texts: list[str]) -> None:
    found = [set(find(text)) for text in texts]
    assert found[0]
    assert len(set.union(*found)) == 1, found


@pytest.mark.parametrize("text", NOBODY)
def test_other_things_with_capitals_and_numbers_are_nobody(text: str) -> None:
    assert set(find(text)) == set()


def test_a_list_of_people_is_as_many_as_it_has() -> None:
    given = "Anna Boris Clara Dmitri Elena Farid Grace Hassan Ingrid Jorge".split()  # noqa: SIM905
    family = "Adler Brown Costa Dubois Evans Fischer Garcia Haddad Ivanov Jensen".split()  # noqa: SIM905
    names = [f"{a} {b}" for a in given for b in family]
    for joint in (", ", "\n", "; ", " and "):
        assert len(set(find(joint.join(names)))) == 100


def test_only_what_the_caller_asks_is_read() -> None:
    body = {
        "messages": [
            {"role": "system", "content": "You are Anna Schmidt."},
            {"role": "user", "content": [{"type": "text", "text": "Who is John Carter?"}]},
            {"role": "assistant", "content": "A friend of Omar Haddad."},
            {"role": "tool", "content": "Li Wei", "tool_call_id": "x"},
        ]
    }
    assert persons(body) == {"name:carter john", "name:li wei"}
    assert persons({"prompt": ["John Carter", "Li Wei"]}) == {"name:carter john", "name:li wei"}
    assert persons({"input": "John Carter"}) == {"name:carter john"}


def test_hostile_text_is_read_in_time_that_grows_with_it() -> None:
    took = []
    for text in ("A" * 500_000, "Ab " * 170_000, "1-" * 250_000, "a@" * 250_000, "名叫" * 250_000):
        began = time.perf_counter()
        persons({"prompt": text})
        took.append(time.perf_counter() - began)
    assert max(took) < 10
