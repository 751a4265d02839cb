"""Each step does its one thing; together they change nothing that is clean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sayso.errors import MissingExtraError, RecordError, SettingsError
from sayso.text.cleaning import characters, cleaner, language, markup
from sayso.text.cleaning.cleaner import Cleaner, Cleaning
from sayso.text.cleaning.language import Languages
from sayso.text.files import opening
from sayso.text.files.streams import Record


@pytest.mark.parametrize(
    ("broken", "right"),
    [
        ("schÃ¶n", "schön"),
        ("â€œyesâ€\x9d", "“yes”"),
        ("l&eacute;gume &amp; co", "légume & co"),
        ("ä½\xa0å¥½", "你好"),
        ("“curly” quotes – and a dash…", "“curly” quotes – and a dash…"),
        ("ﬁne ＡＢＣ", "ﬁne ＡＢＣ"),
        ("plain ascii", "plain ascii"),
        ("中文，没有错。", "中文，没有错。"),
    ],
)
def test_what_was_decoded_wrongly_is_repaired_and_typography_stays(broken: str, right: str) -> None:
    assert characters.repaired(broken) == right


def test_forms_of_characters_are_a_choice() -> None:
    assert characters.normal("e\u0301") == "é"
    assert characters.normal("ﬁ①", "NFKC") == "fi1"
    assert characters.normal("e\u0301", "keep") == "e\u0301"
    assert characters.half_width("ＡＢＣ１２３，你好！") == "ABC123，你好！"
    assert characters.half_width("ＡＢＣ，你好！", "all") == "ABC,你好!"
    assert characters.half_width("ＡＢ", "keep") == "ＡＢ"
    assert characters.in_script("漢語與軟體", "simplified") == "汉语与软体"
    assert characters.in_script("汉语", "traditional") == "漢語"


def test_controls_go_and_joiners_stay() -> None:
    assert characters.without_controls("a\x00b\u200bc\ufeff\u202ed\x7f") == "abcd"
    assert characters.without_controls("one\r\ntwo\rthree\u2028four\x0cfive") == "one\ntwo\nthree\nfour\nfive"
    assert characters.without_controls("👩\u200d🚀 می\u200cخواهم\ttab") == "👩\u200d🚀 می\u200cخواهم\ttab"


def test_spaces_are_plain_and_what_a_line_begins_with_stays() -> None:
    assert characters.spaced("a  b\u00a0\u00a0c \n") == "a b c"
    assert characters.spaced("if x:\n    y = 1  \n\n\n\nz") == "if x:\n    y = 1\n\nz"
    assert characters.spaced("\u3000\u3000段落一\u3000词\n\u3000\u3000段落二") == "段落一 词\n段落二"
    assert characters.spaced("a\tb \t c") == "a b c"


FEW = ("en", "zh", "de")
PAGE = """<!DOCTYPE html><html><head><title>T</title><style>p {}</style></head><body><nav><a href="/">Home</a></nav>
<h1>A  title</h1><div><div><p>First <b>bold</b>&nbsp;line &amp; more.<br>Second.</p></div></div>
<ul><li>one</li><li>two</li></ul><table><tr><td>1</td><td>2</td></tr></table><pre>keep
  this</pre><script>var x = "<p>";</script><footer>Imprint</footer></body></html>"""


def test_html_becomes_what_a_reader_sees() -> None:
    assert markup.text_of(PAGE) == ("A title\n\nFirst bold\u00a0line & more.\nSecond.\n\none\ntwo\n\n1  2\n\nkeep\n  this")
    around = markup.text_of(PAGE, around=True)
    assert around.startswith("Home")
    assert around.endswith("Imprint")


def test_html_is_known_by_its_beginning() -> None:
    assert markup.looks_like_html(PAGE)
    assert markup.looks_like_html(" <!-- a --> <p class='x'>hi")
    assert not markup.looks_like_html("if a < b and b > c")
    assert not markup.looks_like_html("In HTML, <p> begins a paragraph.")
    assert not markup.looks_like_html("<user> hello")


def test_a_page_nested_very_deeply_is_read() -> None:
    assert markup.text_of("<div>" * 5000 + "deep" + "</div>" * 5000) == "deep"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("This is a sentence in English.", "en"),
        ("这是一个中文句子。", "zh"),
        ("Das ist ein deutscher Satz.", "de"),
        ("123 456", "unknown"),
    ],
)
def test_the_language_of_a_text_is_found(text: str, code: str) -> None:
    assert language.detect(text, Languages(among=FEW)).code == code


def test_short_texts_can_be_looked_at_more_closely() -> None:
    assert language.detect("Ein Satz.", Languages(among=FEW, accuracy="high")).code == "de"


def test_only_chosen_languages_are_kept() -> None:
    rules = Languages(keep=("en", "zh"), among=FEW)
    assert language.refusal("This is a sentence in English.", rules) is None
    assert language.refusal("Das ist ein deutscher Satz.", rules) == "language: de"
    assert language.refusal("123", rules) == "language: unknown"
    assert language.refusal("Das ist ein deutscher Satz.", Languages()) is None
    with pytest.raises(SettingsError, match="language 'xx' is not known; expected ISO 639-1"):
        Cleaner(Cleaning(language=Languages(keep=("xx",))))


def test_a_text_goes_through_all_steps_and_each_that_changed_it_is_named() -> None:
    done = Cleaner(Cleaning()).text("<p>SchÃ¶n,  write to mei@example.com</p>")
    assert done.text == "Schön, write to [email]"
    assert done.changed == ("html", "encoding", "spaces", "private") or set(done.changed) == {"html", "encoding", "private"}
    assert done.found == {"email": 1}
    assert done.refusal is None


def test_what_is_empty_in_the_end_is_dropped() -> None:
    assert cleaner.clean(" \u200b\n") is None
    assert cleaner.clean("<p> </p>") is None
    assert cleaner.clean("x") == "x"


def test_personal_data_may_drop_a_text_or_stay() -> None:
    text = "Write to mei@example.com"
    assert Cleaner(Cleaning(private="drop")).text(text).refusal == "private data"
    assert cleaner.clean(text, Cleaning(private="keep")) == text


def test_other_fields_are_not_touched_and_turns_are_texts_too() -> None:
    clean = Cleaner(Cleaning())
    done = clean(Record(where="a:1", fields={"id": " 7  7 ", "text": "a  b"}))
    assert done.fields == {"id": " 7  7 ", "text": "a b"}
    turns = [{"role": "user", "content": "hi  there", "x": 1}, {"role": "assistant", "content": "yes"}]
    done = clean(Record(where="a:2", fields={"messages": turns, "k": "v  w"}))
    assert done.fields == {"messages": [{"role": "user", "content": "hi there", "x": 1}, turns[1]], "k": "v  w"}
    assert turns[0]["content"] == "hi  there"
    two = Cleaner(Cleaning(fields=("title", "body")))
    assert two(Record(where="a:3", fields={"title": "a  b", "body": "c  d"})).fields == {"title": "a b", "body": "c d"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"body": "a"}, "a:1: found the fields body, not 'text'; name the field with text: --field NAME"),
        ({"text": 3}, "a:1: text: found 3, expected a string"),
        ({"messages": [{"role": "user"}]}, "a:1: messages[0].content: found None"),
        ({}, "a:1: found the fields none"),
    ],
)
def test_a_record_without_text_is_named(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(RecordError) as caught:
        Cleaner(Cleaning())(Record(where="a:1", fields=fields))
    assert expected in str(caught.value)


def test_a_text_that_never_comes_to_rest_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "repaired", lambda text: text[1:] + text[0])
    done = Cleaner(Cleaning())(Record(where="a:1", fields={"text": "abcdefghijk"}))
    assert (done.fields, done.refusal) == (None, "never comes to rest")


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    for cached in (characters._ftfy, characters._opencc):
        cached.cache_clear()
    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(MissingExtraError, match=r"ftfy: pip install 'sayso\[data\]'"):
        characters.repaired("schÃ¶n")
    with pytest.raises(MissingExtraError, match=r"opencc: pip install 'sayso\[zh\]'"):
        characters.in_script("漢", "simplified")
    with pytest.raises(MissingExtraError, match="selectolax"):
        markup.text_of("<p>")
    assert opening.ending_of("a.txt") is not None


PIECES = st.sampled_from([
    "a", " ", "  ", "\n", "\n\n\n", "\t", "é", "e\u0301", "Ã©", "â€œ", "&amp;", "&amp;amp;", "&lt;p&gt;", "<p>",
    "</p>", "<b>x</b>", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", "\r\n", "中文", "，", "！", "Ａ",
    "mei@example.com", "13812345678", "电话：", "密码是", "姓名：张三", "12 Main Street", "地址：", "password: ",
    "8.8.8.8", "[email]", "[", "]", "word", ". ", "{", "漢", "5", "号", "路",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
@example(text="<p>&lt;p&gt;hi&lt;/p&gt;</p>")
@example(text="\u3000 \u3000x")
@example(text="&amp;amp;amp;amp;amp;lt;")
def test_cleaning_what_is_clean_changes_nothing(text: str) -> None:
    once = cleaner.clean(text)
    assert once is None or cleaner.clean(once) == once


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, html=st.sampled_from(["auto", "always"]), width=st.sampled_from(["letters", "all"]))
def test_so_do_all_steps_together(text: str, html: Any, width: Any) -> None:
    every = Cleaning(html=html, full_width=width, script="simplified", normal="NFKC", quality=("c4",))
    loose = Cleaning(html=html, full_width=width, script="simplified", normal="NFKC")
    for rules in (every, loose):
        once = cleaner.clean(text, rules)
        assert once is None or cleaner.clean(once, rules) == once
