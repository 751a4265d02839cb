"""Translations are read from several forms; BLEU and chrF are sacrebleu's, and so is every draw of the bootstrap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from sayso.errors import NotFoundError, RecordError, SettingsError
from sayso.tasks import bleu
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure
from sayso.tasks.translate import Translate

SAID = ["Ein Mann läuft durch die Stadt.", "Zwei Hunde spielen im Schnee", "Die Frau liest ein Buch, still."]
RIGHT = ["Ein Mann geht durch die Stadt.", "Zwei Hunde spielen im Schnee.", "Eine Frau liest still ein Buch."]


def item(text: str, to: str, *right: str) -> Item:
    return Item(inputs={"text": text, "from": "en", "to": to}, answers=right)


def test_the_score_of_the_corpus_is_sacrebleus_own() -> None:
    found = {one.name: measure(one) for one in bleu.count(SAID, [(one,) for one in RIGHT], language="de")}
    assert found["BLEU"].value == sacrebleu.corpus_bleu(SAID, [RIGHT]).score
    assert found["chrF"].value == sacrebleu.corpus_chrf(SAID, [RIGHT]).score
    assert "tok:13a" in found["BLEU"].signature
    assert found["BLEU"].low < found["BLEU"].value < found["BLEU"].high


def test_chinese_is_cut_by_sacrebleus_own_tokenizer() -> None:
    said, right = ["今天的天气很好。", "他喜欢喝茶。"], ["今天天气很好。", "他爱喝茶。"]
    found = bleu.count(said, [(one,) for one in right], language="zh")[0]
    assert measure(found).value == sacrebleu.corpus_bleu(said, [right], tokenize="zh").score
    assert "tok:zh" in found.signature


def test_a_draw_of_items_scores_as_that_corpus_would() -> None:
    for counted in bleu.count(SAID, [(one,) for one in RIGHT], language="de"):
        times = np.array([2, 0, 1])
        drawn = [number for number, count in enumerate(times) for _time in range(count)]
        texts, right = [SAID[number] for number in drawn], [RIGHT[number] for number in drawn]
        score = {"BLEU": sacrebleu.corpus_bleu, "chrF": sacrebleu.corpus_chrf}[counted.name](texts, [right]).score
        assert counted.of((times.astype(float) @ counted.table)[None])[0] == pytest.approx(score, abs=1e-9)


def test_several_right_translations_are_scored_as_sacrebleu_does() -> None:
    more = [(right, f"{right} Ja.") for right in RIGHT]
    found = measure(bleu.count(SAID, more, language="de")[0]).value
    assert found == sacrebleu.corpus_bleu(SAID, [list(one) for one in zip(*more, strict=True)]).score


def test_items_with_one_and_with_two_translations_stand_together() -> None:
    found = measure(bleu.count(SAID, [(RIGHT[0],), (RIGHT[1], "x"), (RIGHT[2],)], language="de")[0]).value
    assert found == sacrebleu.corpus_bleu(SAID, [RIGHT, [None, "x", None]]).score


def test_pairs_of_files_columns_and_records_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("Hello.\n", encoding="utf-8")
    (tmp_path / "a.de").write_text("Hallo.\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Hi.\t嗨。\tCC-BY\n", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"translation": {"de": "Hallo.", "en": "Hello."}}\n', encoding="utf-8")
    (tmp_path / "d.tsv").write_text("en\tfr\nYes.\tOui.\n", encoding="utf-8")
    (tmp_path / "e.jsonl").write_text('{"source": "Good.", "target": "好。"}\n', encoding="utf-8")

    def sides(task: Translate, name: str) -> tuple[str, str, str, str]:
        found = next(iter(task.items(str(tmp_path / name))))
        return found.inputs["from"], found.inputs["to"], found.inputs["text"], found.answers[0]

    assert sides(Translate(), "a.en") == ("en", "de", "Hello.", "Hallo.")
    assert sides(Translate(), "a.de") == ("de", "en", "Hallo.", "Hello.")
    assert sides(Translate(source="en", target="de"), "a.de") == ("en", "de", "Hello.", "Hallo.")
    assert sides(Translate(), "b.txt") == ("en", "zh", "Hi.", "嗨。")
    assert sides(Translate(source="zh", target="en"), "b.txt") == ("zh", "en", "嗨。", "Hi.")
    assert sides(Translate(), "c.jsonl") == ("de", "en", "Hallo.", "Hello.")
    assert sides(Translate(source="en", target="de"), "c.jsonl") == ("en", "de", "Hello.", "Hallo.")
    assert sides(Translate(), "d.tsv") == ("en", "fr", "Yes.", "Oui.")
    assert sides(Translate(), "e.jsonl") == ("en", "zh", "Good.", "好。")


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Hi.\t嗨。\nHi there.\n", encoding="utf-8")
    (tmp_path / "a.en").write_text("Hello.\n", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"en": "x", "fr": "y"}\n', encoding="utf-8")
    with pytest.raises(RecordError, match=r"b\.txt:2: found 'Hi there\.'; expected a text, a tab"):
        list(Translate().items(str(tmp_path / "b.txt")))
    with pytest.raises(NotFoundError, match="has no partner"):
        list(Translate().items(str(tmp_path / "a.en")))
    with pytest.raises(RecordError, match="found en and fr; expected en and de"):
        list(Translate(source="en", target="de").items(str(tmp_path / "c.jsonl")))
    with pytest.raises(SettingsError, match="found 'klingon'"):
        Translate(target="klingon")


def test_prompts_name_the_language_in_the_words_of_the_text() -> None:
    assert Translate().prompt(item("Hello.", "de", "Hallo.")).text == "Translate into German:\n\nHello."
    chinese = Item(inputs={"text": "你好。", "from": "zh", "to": "en"}, answers=("Hello.",))
    assert Translate().prompt(chinese).text == "请翻译成英语：\n\n你好。"


def test_answers_lose_their_label_and_several_languages_are_refused() -> None:
    task = Translate()
    assert task.parse(item("Hello.", "de", "Hallo."), "German: Hallo.") == "Hallo."
    with pytest.raises(RecordError, match="expected one language"):
        task.count([item("a", "de", "b"), item("a", "fr", "b")], ["b", "b"])


def test_a_text_in_the_wrong_script_fails_its_check() -> None:
    from sayso.critics.checking import load_check

    into_chinese = load_check(Translate().checks(item("Hi.", "zh", "嗨。"))[0])
    into_german = load_check(Translate().checks(item("Hi.", "de", "Hallo."))[0])
    assert into_chinese("嗨。").held
    assert not into_chinese("Hi.").held
    assert into_german("Hallo.").held
    assert not into_german("嗨。").held
