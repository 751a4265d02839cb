"""What the overview and the team page tell, counted on a small store whose numbers are known."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sayso import i18n
from sayso.records import Comment, Evaluation, Rate, Response, Take, Verdict, Version, ask
from sayso.store import database, review
from sayso.store.database import Store
from sayso.store.review import CommentForm, Reviewer
from sayso.web import agreeing, gathered, overview
from sayso.web.gathered import Gathered


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    minutes = itertools.count()

    def clock() -> str:
        minute = next(minutes)
        return f"2026-01-{1 + minute // 1000:02}T{minute // 60 % 24:02}:{minute % 60:02}:00+00:00"

    opened = database.open(tmp_path / "sayso.db", clock=clock)
    yield opened
    opened.close()


def responses(number: int, *, version: str = "v1", family: str | None = "letters") -> list[Response]:
    return [
        Response(prompt=ask(f"Write {family} {place}", family=family), text=f"Dear {place}, here it is.", version=version)
        for place in range(number)
    ]


def people(store: Store) -> tuple[Reviewer, Reviewer, Reviewer]:
    ada = review.add_reviewer(store, "Ada", "lead")
    return ada, review.add_reviewer(store, "Bo", "reviewer"), review.add_reviewer(store, "Cy", "reviewer")


def say(store: Store, who: Reviewer, response: Response, text: str, **more: object) -> Comment:
    return review.save_comment(store, who, CommentForm(text=text, response_id=response.id, **more))  # type: ignore[arg-type]


def test_totals_and_coverage_are_counted(store: Store) -> None:
    ada, *_others = people(store)
    letters, notes, loose = responses(4), responses(2, family="notes"), responses(1, family=None)
    store.add_responses([*letters, *notes, *loose])
    say(store, ada, letters[0], "Too long.")
    say(store, ada, letters[0], "Keep the greeting.", kind="keep")
    withdrawn = say(store, ada, notes[0], "Wrong.")
    review.withdraw_comment(store, ada, withdrawn.id)
    better = review.save_refinement(store, ada, letters[0].id, "Dear 0.", [])
    review.sign_off(store, ada, better.id, "accepted")
    found = overview.shown(overview.gather(store))
    assert found["totals"] == {"responses": 7, "commented": 1, "comments": 2, "refinements": 1, "signed_off": 1}
    covered = {item["family"]: (item["responses"], item["commented"], item["comments"]) for item in found["coverage"]}
    assert covered == {"letters": (4, 1, 2), "notes": (2, 0, 0), None: (1, 0, 0)}


def test_themes_hold_open_comments_only(store: Store) -> None:
    ada, *_others = people(store)
    letters = responses(6)
    store.add_responses(letters)
    for letter in letters[:5]:
        say(store, ada, letter, "Too long.")
    gone = say(store, ada, letters[5], "Mentions dragons.")
    review.withdraw_comment(store, ada, gone.id)
    (theme,) = overview.shown(overview.gather(store))["themes"]
    assert (theme["words"], theme["n"], theme["kinds"]) == (["too long"], 5, {"fix": 5})
    assert theme["examples"][0]["text"] == "Too long."
    assert theme["examples"][0]["response_id"] in {letter.id for letter in letters}


def test_what_is_said_of_three_responses_is_suggested_until_it_stands(store: Store) -> None:
    ada, bo, _cy = people(store)
    letters = responses(4)
    store.add_responses(letters)
    for letter, words in zip(letters, ["Too long.", "too long", "TOO LONG!", "Too short."], strict=True):
        say(store, ada, letter, words)
    say(store, bo, letters[0], "Too long")
    (suggestion,) = overview.shown(overview.gather(store))["suggestions"]
    assert (suggestion["text"], suggestion["n"], len(suggestion["comment_ids"])) == ("Too long.", 3, 4)
    review.make_standing(store, ada, "Too long.")
    assert overview.shown(overview.gather(store))["suggestions"] == []


def test_what_is_new_is_counted_from_the_newest_version_on(store: Store) -> None:
    ada, bo, _cy = people(store)
    old = responses(2)
    store.add_version(Version(id="v1", path="one", form="base"))
    store.add_responses(old)
    say(store, ada, old[0], "Too long.")
    review.set_verdict(store, ada, old[0].id, "bad")
    store.add_version(Version(id="v2", path="two", form="full", parent="v1"))
    new = responses(4, version="v2")
    store.add_responses(new)
    say(store, ada, new[0], "Better.", kind="keep")
    edited = say(store, ada, new[1], "Stil long.")
    review.edit_comment(store, ada, edited.id, {"text": "Still long."})
    review.withdraw_comment(store, ada, say(store, ada, new[2], "Oops").id)
    review.set_verdict(store, ada, new[0].id, "good")
    review.set_verdict(store, bo, new[0].id, "good")
    found = overview.shown(overview.gather(store))["changes"]
    assert (found["version"], found["previous"]) == ("v2", "v1")
    assert (found["comments_new"], found["comments_edited"], found["comments_withdrawn"]) == (3, 1, 1)
    items = {item["name"]: (item["before"], item["after"]) for item in found["items"]}
    assert items == {"responses": (2, 4), "commented": (0.5, 0.5), "comments": (0.5, 0.5), "good": (0.0, 1.0)}
    assert found["since"].startswith("2026-01-01")


def test_without_registered_versions_the_one_that_began_last_is_the_newest(store: Store) -> None:
    store.add_responses(responses(2, version="older"))
    store.add_responses(responses(3, version="newer"))
    found = overview.shown(overview.gather(store))["changes"]
    assert (found["version"], found["previous"], found["comments_new"]) == ("newer", "older", 0)


def test_a_store_without_versions_has_no_changes(store: Store) -> None:
    store.add_responses(responses(2, version=""))
    assert overview.shown(overview.gather(store))["changes"] is None


def test_the_takes_of_the_last_evaluation_are_told(store: Store) -> None:
    store.add_version(Version(id="v1", path="one", form="base"))
    rate = Rate(before=0.1, after=0.9, n=30, interval=(0.6, 0.9))
    for number, take in enumerate(("not", "took")):
        takes = (Take(comment_id="c-1", text="Too long.", take=take, inside=rate),)  # type: ignore[arg-type]
        verdict = Verdict(verdict="promote", reason="It gains.")
        store.add_evaluation(Evaluation(id=f"e-{number}", champion="v0", candidate="v1", takes=takes, verdict=verdict))
    found = overview.shown(overview.gather(store))["changes"]
    assert found["took"] == [{"comment_id": "c-1", "text": "Too long.", "take": "took"}]
    assert (found["evaluation"]["id"], found["evaluation"]["verdict"]) == ("e-1", "promote")


def test_everything_is_json_and_pictures_are_there(store: Store) -> None:
    ada, bo, _cy = people(store)
    letters = responses(3)
    store.add_responses(letters)
    for letter, who in itertools.product(letters, (ada, bo)):
        say(store, who, letter, f"Too long, {who.name} says", spans=((0, 4),))
        review.set_verdict(store, who, letter.id, "good" if letter is letters[0] else "bad")
    found = overview.shown(overview.gather(store))
    team = agreeing.shown(agreeing.gather(store))
    json.dumps([found, team], allow_nan=False)
    assert all(picture.startswith("<svg") for picture in (*found["pictures"].values(), team["picture"]))
    i18n.use("zh")
    try:
        chinese = overview.shown(overview.gather(store))
    finally:
        i18n.use(None)
    assert chinese["pictures"] != found["pictures"]
    assert chinese["totals"] == found["totals"]


def test_the_team_agrees_as_far_as_its_judgements_do(store: Store) -> None:
    ada, bo, cy = people(store)
    letters = responses(4)
    store.add_responses(letters)
    for letter, (one, other) in zip(
        letters, [("good", "good"), ("bad", "bad"), ("bad", "bad"), ("good", "bad")], strict=True
    ):
        review.set_verdict(store, ada, letter.id, one)  # type: ignore[arg-type]
        review.set_verdict(store, bo, letter.id, other)  # type: ignore[arg-type]
    say(store, ada, letters[0], "This.", spans=((0, 6),))
    say(store, bo, letters[0], "That.", kind="concern", spans=((3, 9),))
    say(store, cy, letters[3], "Here.")
    found = agreeing.shown(agreeing.gather(store))
    # Two values of the ordinal three: ranks differ by the same everywhere, so as nominal: 1 - (2/8) / (2 * 3 * 5 / (8 * 7)).
    assert found["verdicts"]["alpha"] == pytest.approx(1 - (2 / 8) / (30 / 56), abs=1e-4)
    assert found["spans"]["alpha"] == pytest.approx(0.5)
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [("Ada", "Bo"), ("Ada", "Cy"), ("Bo", "Cy")]
    assert found["pairs"][1]["verdicts"] is None
    assert "on 4 responses by 3 reviewers" not in found["said"]["verdicts"]
    assert "on 4 responses by 2 reviewers" in found["said"]["verdicts"]


def test_who_looked_and_had_nothing_to_say_counts_as_having_judged(store: Store) -> None:
    ada, bo, _cy = people(store)
    letters = responses(3)
    store.add_responses(letters)
    for letter in letters:
        say(store, ada, letter, "Wrong.", spans=((0, 4),))
        review.set_state(store, bo, letter.id, "done")
    found = agreeing.shown(agreeing.gather(store))
    assert found["kinds"]["alpha"] < 0
    assert found["spans"]["alpha"] == 0
    assert found["verdicts"] is None
    assert found["said"]["verdicts"]


def test_comments_by_others_than_reviewers_are_no_judgements_of_the_team(store: Store) -> None:
    ada, *_others = people(store)
    (letter,) = responses(1)
    store.add_comments([Comment(text="Too long.", response=letter, author="rules", source="tool")])
    say(store, ada, letter, "Wrong.")
    assert agreeing.shown(agreeing.gather(store))["pairs"] == []


def test_facts_are_gathered_again_only_when_something_changed(store: Store) -> None:
    calls = []
    kept = Gathered(store, lambda _store: calls.append(1) or len(calls), clock=iter(range(1000)).__next__)
    kept_facts = [kept.get(), kept.get()]
    store.add_responses(responses(1))
    assert [*kept_facts, kept.get()] == [1, 1, 1]  # each took a second by this clock: the last ones do for a while
    quick = Gathered(store, lambda _store: calls.append(1) or len(calls), clock=lambda: 0.0)
    first = quick.get()
    assert quick.get() == first
    store.add_responses(responses(2))
    assert quick.get() == first + 1


def test_slow_facts_are_shown_for_a_while_and_then_gathered_again(store: Store) -> None:
    now = [0.0]

    def slow(_store: Store) -> float:
        now[0] += 5
        return now[0]

    kept = Gathered(store, slow, clock=lambda: now[0])
    assert kept.get() == 5
    store.add_responses(responses(1))
    assert kept.get() == 5
    now[0] += gathered.STALE_SECONDS
    assert kept.get() == 10 + gathered.STALE_SECONDS


def test_while_one_gathers_the_others_are_shown_the_last_facts(store: Store) -> None:
    inside, leave = threading.Event(), threading.Event()
    calls = itertools.count()

    def gather(_store: Store) -> int:
        call = next(calls)
        if call:
            inside.set()
            assert leave.wait(10)
        return call

    kept = Gathered(store, gather, clock=lambda: 0.0)
    assert kept.get() == 0
    store.add_responses(responses(1))
    results: list[int] = []
    other = threading.Thread(target=lambda: results.append(kept.get()))
    other.start()
    assert inside.wait(10)
    assert kept.get() == 0
    leave.set()
    other.join(10)
    assert results == [1]


def test_a_failure_while_gathering_lets_the_next_one_try(store: Store) -> None:
    calls = itertools.count()

    def gather(_store: Store) -> int:
        call = next(calls)
        if call == 0:
            raise RuntimeError("once")
        return call

    kept = Gathered(store, gather)
    with pytest.raises(RuntimeError):
        kept.get()
    assert kept.get() == 1
