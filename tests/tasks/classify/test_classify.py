"""Labelled texts of every shape are read, wrong lines are named, answers are read out of words, official metrics agree."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics as library

from sayso import registry
from sayso.errors import NotFoundError, RecordError, SettingsError
from sayso.tasks import TASKS
from sayso.tasks.classify import metrics as counts
from sayso.tasks.classify.metrics import Classified
from sayso.tasks.classify.presets import PRESETS
from sayso.tasks.classify.splits import Shares, held_back, split
from sayso.tasks.classify.task import Classify
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure
from sayso.text.files import hub

LABELS = ("a", "b", "c")


def _written(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_the_task_is_found_by_its_name() -> None:
    task = registry.load(TASKS, "classify", kind="task")()
    assert (task.name, task.first) == ("classify", "accuracy")


def test_lines_of_json_tables_and_folders_by_class_give_the_same_items(tmp_path: Path) -> None:
    lines = [{"text": "warm soup", "label": "good"}, {"text": "cold soup", "label": "bad"}]
    (tmp_path / "folder" / "good").mkdir(parents=True)
    (tmp_path / "folder" / "bad").mkdir()
    (tmp_path / "folder" / "good" / "1.txt").write_text("warm soup")
    (tmp_path / "folder" / "bad" / "1.txt").write_text("cold soup")
    sources = [
        _written(tmp_path / "a.jsonl", *map(json.dumps, lines)),
        _written(tmp_path / "a.csv", "text,label", "warm soup,good", "cold soup,bad"),
        _written(tmp_path / "a.tsv", "label\ttext", "good\twarm soup", "bad\tcold soup"),
        str(tmp_path / "folder"),
    ]
    for source in sources:
        found = {(item.inputs["text"], item.answers) for item in Classify().items(source)}
        assert found == {("warm soup", ("good",)), ("cold soup", ("bad",))}, source


def test_columns_of_other_names_and_pairs_are_named_in_the_settings(tmp_path: Path) -> None:
    source = _written(tmp_path / "a.csv", "one,two,kind", "it rains,it is wet,yes")
    item = next(Classify(text="one", pair="two", label="kind").items(source))
    assert item.inputs == {"text": "it rains", "pair": "it is wet"}
    assert [turn.content for turn in Classify().plain(item).messages] == ["it rains", "it is wet"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "x"}', "2: label: found nothing; expected a string"),
        ('{"text": "x", "label": "meh"}', "2: found the class 'meh'; expected one of good, bad"),
        ('{"text": " ", "label": "good"}', "2: the text is empty"),
        ('{"words": "x", "label": "good"}', "2: text: found nothing"),
        ('{"text": ["x"], "label": "good"}', "2: text: found"),
        ("{", "2"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_expected(tmp_path: Path, line: str, said: str) -> None:
    source = _written(tmp_path / "a.jsonl", '{"text": "x", "label": "good"}', line)
    with pytest.raises(RecordError, match=said):
        list(Classify(labels=("good", "bad")).items(source))


def test_a_class_that_was_never_learnt_is_named(tmp_path: Path) -> None:
    learnt = _written(tmp_path / "a.csv", "text,label", *(f"word {n},{'ab'[n % 2]}" for n in range(20)))
    other = _written(tmp_path / "b.csv", "text,label", "word,c")
    with pytest.raises(RecordError, match=r"b.csv:2: the class 'c' stands in no text that is learnt from"):
        split(Classify(), [learnt], test=[other])


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    source = _written(tmp_path / "a.csv", "text,label", *(f"word {n},a" for n in range(20)))
    with pytest.raises(RecordError, match="found the class 'a' alone"):
        split(Classify(), [source])


def test_a_preset_that_is_not_known_is_refused() -> None:
    with pytest.raises(SettingsError, match="expected one of sst2"):
        Classify(preset="sst")


def test_a_folder_without_a_presets_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"found no 'stsa.binary.train'.*hf:SetFit/sst2"):
        list(Classify(preset="sst2").items(str(tmp_path)))


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    with pytest.raises(RecordError, match="is no whole archive"):
        list(Classify().items(str(tmp_path / "a.tar.gz")))


def test_an_archive_of_folders_by_class_is_read_and_stray_files_are_left(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "20news-bydate-train.tar.gz", "w:gz") as archive:
        for name, text in {
            "x/sci.med/1": "From: a\n\nA cure.\n",
            "x/sci.med/2-o": "stray",
            "x/rec.autos/3": "A\tB\tcar",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    found = {item.answers[0]: item.inputs["text"] for item in Classify(preset="newsgroups").items(str(tmp_path))}
    assert found == {"sci.med": "From: a\n\nA cure.\n", "rec.autos": "A\nB\ncar"}
    bare = {item.answers[0]: item.inputs["text"] for item in Classify(preset="newsgroups_bare").items(str(tmp_path))}
    assert bare["sci.med"].strip() == "A cure."


def test_a_data_set_of_hugging_face_has_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def rows(name: str, configuration: str | None, split: str) -> object:
        asked.append((name, configuration, split))
        return iter([{"text": "Who ?", "coarse_label": 3, "fine_label": 9}, {"text": "What ?", "coarse_label": 0}])

    monkeypatch.setattr(hub, "rows", rows)
    found = [(item.inputs["text"], item.answers[0]) for item in Classify(preset="trec6").items("trec6", split="test")]
    assert found == [("Who ?", "human"), ("What ?", "abbreviation")]
    assert asked == [("CogComp/trec", None, "test")]


def test_the_answer_is_read_out_of_words() -> None:
    task, item = Classify(labels=("entailment", "not entailment")), Item(inputs={"text": "x"})
    assert task.parse(item, "Answer: Not entailment.") == "not entailment"
    assert task.parse(item, "entailment, I think") == "entailment"
    assert task.parse(item, "no idea") is None
    assert Classify(preset="waimai").parse(item, "这是正面的评价") == "正面"
    assert Classify(preset="stsb").parse(item, "about 3.5 of 5") == "3.5"


def test_a_model_that_writes_is_asked_with_the_classes() -> None:
    task = Classify(preset="sst2")
    item = Item(inputs={"text": "a fine film"}, answers=("positive",))
    assert task.prompt(item).text == (
        "Is this review positive or negative?\n\na fine film\n\nAnswer with one of: negative, positive"
    )
    assert task.answer(item) == "positive"
    assert task.checks(item)[0].args == {"text": ["negative", "positive"]}


def _classified(seed: int = 0, *, positive: str = "") -> Classified:
    generator = np.random.default_rng(seed)
    right = generator.choice(LABELS, size=200, p=[0.6, 0.3, 0.1])
    said = np.where(generator.random(200) < 0.7, right, generator.choice(LABELS, size=200))
    return Classified(right=right.tolist(), said=said.tolist(), labels=LABELS, positive=positive)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_those_of_scikit_learn(seed: int) -> None:
    found = _classified(seed)
    right, said = list(found.right), list(found.said)
    wanted = {
        "accuracy": library.accuracy_score(right, said), "macro_f1": library.f1_score(right, said, average="macro"),
        "precision": library.precision_score(right, said, average="macro"),
        "recall": library.recall_score(right, said, average="macro"), "matthews": library.matthews_corrcoef(right, said),
    }  # fmt: skip
    for name, value in wanted.items():
        assert measure(counts.METRICS[name](found), draws=10).value == pytest.approx(value), name
    one = _classified(seed, positive="b")
    value = library.f1_score(right, said, labels=["b"], average="macro")
    assert measure(counts.f1(one), draws=10).value == pytest.approx(value)


def test_correlations_are_those_of_scipy() -> None:
    generator = np.random.default_rng(1)
    right = generator.integers(0, 6, size=100).astype(float)
    said = right + generator.normal(size=100)
    found = Classified(right=[str(x) for x in right], said=[str(x) for x in said], labels=())
    assert measure(counts.pearson(found), draws=10).value == pytest.approx(pearsonr(right, said).statistic)
    assert measure(counts.spearman(found), draws=10).value == pytest.approx(spearmanr(right, said).statistic)


def test_no_answer_is_a_wrong_one() -> None:
    found = Classified(right=["a", "b"], said=["a", None], labels=("a", "b"))
    assert measure(counts.accuracy(found), draws=10).value == 0.5
    assert counts.confusion(found).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_question_is_answered_when_all_its_answers_are_right() -> None:
    found = Classified(right=["a", "b", "a"], said=["a", "b", "b"], labels=("a", "b"), groups=("1", "1", "2"))
    assert measure(counts.exact_match(found), draws=10).value == 0.5


def test_the_calibration_error_is_the_gap_of_each_bin() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    hits = [1.0] * 9 + [0.0] + [1.0] * 2 + [0.0] * 8
    found = measure(counts.calibration_error(probabilities, hits), draws=10)
    assert found.value == pytest.approx(0.5 * 0.0 + 0.5 * 0.4)


def test_what_is_held_back_keeps_shares_texts_and_families_together() -> None:
    items = [Item(inputs={"text": f"text {n // 2}"}, answers=("ab"[n % 4 // 2],)) for n in range(400)]
    stays, back = held_back(items, 0.2, seed=1)
    assert {item.inputs["text"] for item in stays}.isdisjoint(item.inputs["text"] for item in back)
    assert Counter(item.answers[0] for item in back) == {"a": 40, "b": 40}
    assert held_back(items, 0.2, seed=1) == (stays, back)
    assert held_back(items, 0.2, seed=2) != (stays, back)
    family = [Item(inputs={"text": str(n)}, answers=("a",), family=str(n % 5)) for n in range(50)]
    stays, back = held_back(family, 0.2, seed=0)
    assert {item.family for item in stays}.isdisjoint(item.family for item in back)


def test_shares_are_between_nothing_and_all() -> None:
    with pytest.raises(SettingsError, match=r"shares.test: found 1"):
        Shares(test=1)


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {name for name in PRESETS if "newsgroups" in name}))
def test_real_files_are_read(shared: Path, name: str) -> None:
    task = Classify(preset=name)
    item = next(task.items(str(shared / "data"), split="test" if "test" in PRESETS[name].files else "train"))
    assert item.inputs["text"]
    assert not task.classes or task.about.scores or item.answers[0] in task.classes


def test_splits_of_real_files_have_the_known_sizes(shared: Path) -> None:
    found = split(Classify(preset="sst2"), [str(shared / "data")])
    assert (len(found.train), len(found.validation), len(found.test), found.held_back) == (6920, 872, 1821, ())
    trec = split(Classify(preset="trec6"), [str(shared / "data" / "sentence_classification_en")])
    assert (len(trec.train) + len(trec.validation), len(trec.test), trec.held_back) == (5452, 500, ("validation",))
