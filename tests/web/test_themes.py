"""Themes: comments that say the same in other words meet, in English and in Chinese, and are named by their words."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from sayso.web import themes
from sayso.web.themes import Said

LONG = ["Too long.", "too long", "Much too long, cut it", "It is too long for a letter", "This note is too long"]
NUMBERS = ["Do not invent numbers", "It invents numbers", "The numbers are invented", "Invented numbers again"]
TONE = ["Keep the friendly tone", "I like the friendly tone", "Very friendly tone, keep it", "Friendly tone!"]
CHINESE_LONG = ["太长了", "写得太长了", "内容太长", "太长，请删减"]
CHINESE_NUMBERS = ["不要编造数字", "数字是编造的", "这里编造了数字", "编造的数字"]
GROUPS = [LONG, NUMBERS, TONE, CHINESE_LONG, CHINESE_NUMBERS]


def said(*groups: list[str], kind: str = "fix") -> list[Said]:
    texts = [text for group in groups for text in group]
    return [
        Said(comment_id=f"c-{number}", response_id=f"r-{number}", kind=kind, text=text) for number, text in enumerate(texts)
    ]


def test_what_is_said_in_other_words_meets_in_both_languages() -> None:
    found = themes.find(said(*GROUPS))
    of = {themes.same_words(text): number for number, group in enumerate(GROUPS) for text in group}
    for theme in found.themes:
        assert len({of[themes.same_words(example.text)] for example in theme.examples}) == 1, theme
    # Every group is a theme of its own, found by its words.
    names = [" ".join(theme.words) for theme in found.themes]
    for words in ("long", "number", "friendly", "太长", "编造"):
        assert any(words in name for name in names), (words, names)


def test_counts_are_of_comments_and_of_their_kinds() -> None:
    comments = [*said(LONG * 3), *said(TONE, kind="keep")]
    found = themes.find(comments)
    assert found.n == sum(theme.n for theme in found.themes) == 19
    assert not found.estimated
    kinds = [dict(theme.kinds) for theme in found.themes]
    assert sum(kind.get("fix", 0) for kind in kinds) == 15
    assert sum(kind.get("keep", 0) for kind in kinds) == 4
    assert [theme.n for theme in found.themes] == sorted((theme.n for theme in found.themes), reverse=True)


def test_the_order_in_which_comments_come_does_not_matter() -> None:
    comments = said(*GROUPS)
    shuffled = random.Random(4).sample(comments, len(comments))
    one, other = themes.find(comments), themes.find(shuffled)
    assert [(theme.words, theme.n, theme.kinds) for theme in one.themes] == [
        (theme.words, theme.n, theme.kinds) for theme in other.themes
    ]


def test_a_theme_is_named_by_phrases_rather_than_by_halves_of_them() -> None:
    found = themes.find(said(*GROUPS))
    words = {word for theme in found.themes for word in theme.words}
    assert "too long" in words
    assert "friendly tone" in words


def test_examples_are_different_texts() -> None:
    found = themes.find(said(["Too long.", "too long", "TOO LONG!", "Too long"] * 5, TONE))
    for theme in found.themes:
        texts = [themes.same_words(example.text) for example in theme.examples]
        assert len(texts) == len(set(texts))


@pytest.mark.parametrize("texts", [[], ["..."], ["👍", "！！！"], ["ok"], ["好"], ["the", "is it"], ["Too long"] * 50])
def test_few_empty_and_wordless_comments_are_no_trouble(texts: list[str]) -> None:
    found = themes.find(said(texts))
    assert found.n == len(texts)
    assert sum(theme.n for theme in found.themes) <= len(texts)


def test_comments_in_one_and_the_same_words_are_one_theme() -> None:
    (theme,) = themes.find(said(["Too long."] * 40)).themes
    assert (theme.n, theme.words) == (40, ("too long",))


def test_counts_on_a_sample_are_estimated_and_said_to_be() -> None:
    comments = said([f"{text} in line {number}" for number in range(40) for group in GROUPS for text in group])
    found = themes.find(comments, of=10 * len(comments))
    assert found.estimated
    assert found.n == 10 * 840
    assert sum(theme.n for theme in found.themes) == pytest.approx(found.n, abs=len(found.themes))
    assert not themes.find(comments, of=len(comments)).estimated


def test_what_was_not_learnt_from_joins_the_group_it_is_nearest_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(themes, "LEARN", 60)
    found = themes.find(said([f"{text} in line {number}" for number in range(40) for group in GROUPS for text in group]))
    assert not found.estimated
    long = [theme for theme in found.themes if any("long" in word for word in theme.words)]
    assert sum(theme.n for theme in long) == pytest.approx(40 * len(LONG), rel=0.25)


def test_a_broken_pair_of_code_units_or_a_huge_comment_is_no_trouble() -> None:
    assert themes.find(said(["a\x00b long", "word " * 20_000, "长" * 20_000, *LONG])).n == 8


def test_themes_load_neither_torch_nor_scikit_learn_before_they_are_asked() -> None:
    code = "import sys, sayso.web.themes, sayso.web.overview, sayso.web.pictures, sayso.web.agreeing;"
    code += "print([name for name in ('torch', 'transformers', 'sklearn', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
