"""Whatever holds the wanted characters in a row is found, in any script, on both databases alike."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.store.generated import TEXT
from tests.store.people import answers

from sayso.records import Comment, Message, Prompt, Response, ask
from sayso.store import review, search, tables
from sayso.store.database import Store

TEXTS = [
    "I am so sorry about your keys.",
    "非常抱歉,您的钥匙我们会找到。",
    "Straße, İstanbul, ＡＢＣ, 100% sure_thing \\ \"quoted\" 'single'",
    "道歉",
    "a",
    "line one\nline   two",
    "emoji 👩‍👩‍👧 here",
]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ("sorry", [0]), ("SORRY", [0]), ("orr", [0]), ("sorry about your", [0]), ("about sorry", []),
        ("抱歉", [1]), ("歉", [1, 3]), ("道歉", [3]), ("歉道", []), ("钥匙我们会找到", [1]), ("。", [1]),
        ("strasse", [2]), ("abc", [2]), ("100%", [2]), ("%", [2]), ("_", [2]), ("e_t", [2]), ("\\", [2]), ('"quoted"', [2]),
        ("'", [2]), ("one line", [5]), ("two", [5]), ("👩‍👩‍👧", [6]), ("OR", [0]), ("a AND b", []), ("NOT", []), ("*", []),
        ("y", [0]), ("ke", [0]), ("re", [2, 6]), ("e", [0, 2, 5, 6]), ("a", [0, 2, 4]), ("您", [1]), ("您的", [1]),
        ("的您", []), ("'single'", [2]), ("g \\", [2]), (":*", []), ("a:*", []), ("|", []), ("!a", []),
    ],
)  # fmt: skip
def test_a_text_is_found_by_what_stands_in_it(store: Store, wanted: str, places: list[int]) -> None:
    store.add_responses(
        [
            Response(prompt=Prompt(messages=(Message(role="user", content="?"),), id=f"p{n}"), text=item)
            for n, item in enumerate(TEXTS)
        ]
    )
    found = {item.text for item in review.queue(store, search=wanted).items}
    assert found == {TEXTS[place] for place in places}


def test_the_prompts_turns_are_searched_but_not_the_systems(store: Store) -> None:
    turns = (Message(role="system", content="secret rules"), Message(role="user", content="hello"),
             Message(role="assistant", content="hi there"), Message(role="user", content="my keys"))  # fmt: skip
    store.add_responses([Response(prompt=Prompt(messages=turns), text="Where?")])
    assert [review.queue(store, search=words).total for words in ("hello", "hi there", "my keys", "where", "secret")] == [
        1,
        1,
        1,
        1,
        0,
    ]


def test_an_empty_search_is_none(store: Store) -> None:
    store.add_responses(answers("a", "b"))
    assert review.queue(store, search=" \n").total == 2


def test_one_character_that_begins_too_many_trigrams_is_looked_for_along_the_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_CONTINUATIONS", 2)
    store.add_responses(answers("xa xb xc xd", "no", "xe"))
    found = review.queue(store, search="x")
    assert [item.text for item in found.items] == ["xe", "xa xb xc xd"]


# Few different characters, so that short texts meet often, and those that the databases' own languages of search know.
CLOSE = st.text("ab抱歉订 '\\\":*&|!<->()%_\x03\x01\x7f\u3000𠮷", max_size=8)


# One store for all examples: what earlier ones left there must not be found wrongly either.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(TEXT | CLOSE, min_size=1, max_size=4), wanted=TEXT | CLOSE, cut=st.integers(0, 12), n=st.integers(1, 5)
)
def test_a_search_finds_what_reading_everything_finds(store: Store, texts: list[str], wanted: str, cut: int, n: int) -> None:
    store.add_responses(
        [
            Response(prompt=Prompt(messages=(Message(role="user", content=item if item.strip() else "?"),)), text=item)
            for item in texts
        ]
    )
    wanted = texts[0][cut : cut + n] or wanted
    folded = search.fold(wanted)
    if not folded:
        return
    with store.reading() as db:
        found = search.find(db, tables.responses, folded)
        read = {row.seq for row in db.execute(text("SELECT seq, words FROM response_words")) if folded in row.words}
    assert found.seqs is None or set(found.seqs) == read


def test_a_comment_is_found_by_one_character_and_by_two(store: Store) -> None:
    store.add_comments([Comment(text="不要提问"), Comment(text="先道歉"), Comment(text="Don't ask")])
    found = {
        words: [item.text for item in review.comment_page(store, search=words).comments]
        for words in ("歉", "提问", "'", "k")
    }
    assert found == {"歉": ["先道歉"], "提问": ["不要提问"], "'": ["Don't ask"], "k": ["Don't ask"]}


def different(n: int) -> str:
    """Return a text of Chinese characters in which no run of three comes twice, for a while."""
    chance = random.Random(1)
    return "".join(chr(chance.randrange(0x4E00, 0x9F00)) for _ in range(n))


# The first has nearly as many trigrams as a `tsvector` has room for, the second has too many for it.
@pytest.mark.parametrize("n", [60_000, 400_000])
def test_a_very_long_text_is_found_by_whatever_stands_in_it(store: Store, n: int) -> None:
    words = different(n)
    store.add_responses([*answers("short"), Response(prompt=ask("?"), text=words)])
    wanted = [words[0], words[-1], words[-2:], words[n // 2 : n // 2 + 2], words[n // 3 : n // 3 + 7], words[-40:]]
    nowhere = [words[5] + words[4] + words[3], "short" + words[0], "\U00030000"]
    with store.reading() as db:
        found = [search.find(db, tables.responses, item).seqs for item in (*wanted, *nowhere, "short")]
    assert found == [*[(2,)] * len(wanted), *[()] * len(nowhere), (1,)]


def test_texts_to_compare_with_begin_alike_or_share_what_is_rare(store: Store) -> None:
    store.add_comments(
        [Comment(text=f"{words} {n}") for n in range(3) for words in ("Don't say \\ a:b, ever", "先道歉再说", "Else")]
    )
    for words in ("DON'T say \\ a:b, never", "先道歉"):
        with store.reading() as db:
            near = search.sharing(db, tables.comments, search.fold(words), 2)
            said = [db.scalar(text(f"SELECT text FROM comments WHERE seq = {seq}")) for seq in near]
        assert near == sorted(near, reverse=True)
        assert [search.fold(item)[:3] for item in said] == [search.fold(words)[:3]] * 2
    with store.reading() as db:
        assert search.sharing(db, tables.comments, "没有人写过", 2) == search.sharing(db, tables.comments, "先道", 2) == []
