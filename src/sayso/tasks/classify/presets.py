"""The named data sets of `classify`: where each lies, what its fields mean, its classes and its official metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sayso.tasks.classify.loading import Layout
from sayso.tasks.classify.newsgroups import unfolded, without

Fields = Mapping[str, Any]
_YES_NO = {"0": "no", "1": "yes", "False": "no", "True": "yes", "false": "no", "true": "yes"}
_ENTAILS = {"entailment": "entailment", "not_entailment": "not entailment", "0": "entailment", "1": "not entailment"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """One data set. `text`, `pair` and `group` are templates over a record's fields."""

    hub: str
    """Its name on Hugging Face, with its configuration behind a colon where it has one; empty: none is known."""
    folder: str
    """What its folder is called where several data sets lie side by side."""
    files: Mapping[str, str]
    """The file of each split; a split without one is held back from `train`."""
    text: str = "{text}"
    pair: str = ""
    label: str = "label"
    layout: Layout = field(default_factory=Layout)
    labels: Mapping[str, str] = field(default_factory=dict)
    """What each class is called, by how it is written in the files; empty: as it is written."""
    question: str = "What class is the text of?"
    """What a model that writes is asked."""
    metrics: tuple[str, ...] = ("accuracy", "macro_f1")
    """The first is the one by which models are chosen."""
    positive: str = ""
    family: str = ""
    """A template; items of one family stay together."""
    group: str = ""
    """A template; what belongs to one question, for `exact_match`."""
    each: Callable[[Fields], Iterator[Fields]] | None = None
    """Takes one record apart into several, or changes it."""
    empty: Literal["refuse", "keep", "skip"] = "refuse"
    """What is done with a record without words."""
    scores: bool = False
    """Labels are numbers between the classes, which are whole ones."""
    hub_splits: Mapping[str, str] = field(
        default_factory=lambda: {"train": "train", "validation": "validation", "test": "test"}
    )
    """What its splits are called on Hugging Face; empty: it has none with labels."""
    hub_fields: Mapping[str, str] = field(default_factory=dict)
    """What its fields there are called here, where they differ."""
    hub_labels: Mapping[str, str] = field(default_factory=dict)
    """What each class is called, by how it is written there; empty: as in the files."""


_JSON = {"train": "train.jsonl", "validation": "dev32.jsonl", "test": "val.jsonl"}
_GLUE = {"train": "train.tsv", "validation": "val.tsv", "test": "dev.tsv"}
_HELD_OUT = {"train": "train", "validation": "", "test": "validation"}
"""The test labels of GLUE and SuperGLUE are kept by their makers: results are those of the validation split."""


def _cells(*columns: str, headed: str = "", short: bool = False) -> Layout:
    return Layout(shape="cells", columns=columns, headed=headed, short=short)


def _pairs(hub: str, folder: str, columns: str, **other: Any) -> Preset:
    layout = _cells(*columns.split(), headed=other.pop("headed", "index"), short=other.pop("short", False))
    return Preset(
        hub=hub, folder=folder, layout=layout, text="{sentence1}", pair="{sentence2}",
        **{"files": _GLUE, "hub_splits": _HELD_OUT, **other},
    )  # fmt: skip


def _few(name: str, folder: str, **other: Any) -> Preset:
    return Preset(
        hub=f"aps/super_glue:{name}", folder=folder, **{"files": _JSON, "hub_splits": _HELD_OUT, "labels": _YES_NO, **other}
    )


def _answers(record: Fields) -> Iterator[Fields]:
    """Take a passage of MultiRC apart into its questions' answers; on Hugging Face it is so already."""
    if "paragraph" in record:
        yield {**record, "passage": record["paragraph"]}
        return
    passage = record["passage"]
    for question in passage["questions"]:
        for answer in question["answers"]:
            yield {
                "passage": passage["text"], "question": question["question"], "answer": answer["text"],
                "label": answer["label"], "idx": {"paragraph": record["idx"], "question": question["idx"]},
            }  # fmt: skip


def _cleaned(clean: Callable[[str], str]) -> Callable[[Fields], Iterator[Fields]]:
    return lambda record: iter([{**record, "text": clean(str(record["text"]))}])


_SENTIMENT = {"0": "negative", "1": "positive"}
_QUESTION_KINDS = {
    "0": "description", "1": "entity", "2": "abbreviation", "3": "human", "4": "location", "5": "number",
}  # fmt: skip
_QUESTIONS_THERE = ("abbreviation", "entity", "description", "human", "location", "number")
_TREC = Preset(
    hub="CogComp/trec", folder="sentence_classification_en", layout=Layout(shape="lines", encoding="latin-1"),
    files={"train": "TREC.train.all", "test": "TREC.test.all"}, labels=_QUESTION_KINDS,
    question="What is this question asking for?", hub_splits={"train": "train", "test": "test"},
    hub_fields={"coarse_label": "label"}, hub_labels=dict(zip("012345", _QUESTIONS_THERE, strict=True)),
)  # fmt: skip
_NEWSGROUPS = Preset(
    hub="SetFit/20_newsgroups", folder="newsgroups20",
    files={"train": "20news-bydate-train.tar.gz", "test": "20news-bydate-test.tar.gz"},
    layout=Layout(shape="classes", encoding="latin-1", member=r"\d+"), each=_cleaned(unfolded),
    question="Which newsgroup is this message from?", empty="keep", hub_fields={"label_text": "label"},
    hub_splits={"train": "train", "test": "test"},
)  # fmt: skip
_REVIEWS = Preset(
    hub="XiangPan/waimai_10k", folder="chinese_sentiment", files={"train": "waimai_10k/waimai_10k.csv"}, text="{review}",
    labels={"0": "负面", "1": "正面"}, question="这条评价是正面的还是负面的？", empty="skip",
    metrics=("accuracy", "f1", "precision", "recall"), positive="正面", hub_splits={"train": "train"},
)  # fmt: skip

PRESETS: dict[str, Preset] = {
    "sst2": Preset(
        hub="SetFit/sst2", folder="sentence_classification_en", layout=Layout(shape="lines"), labels=_SENTIMENT,
        files={"train": "stsa.binary.train", "validation": "stsa.binary.dev", "test": "stsa.binary.test"},
        question="Is this review positive or negative?", metrics=("accuracy", "f1", "precision", "recall"),
        positive="positive",
    ),
    "trec6": _TREC,
    "trec50": replace(
        _TREC, files={"train": "raw/TREC.train", "test": "raw/TREC.test"}, labels={}, hub="",
        question="What does this question ask for?",
    ),
    "newsgroups": _NEWSGROUPS,
    "newsgroups_bare": replace(_NEWSGROUPS, each=_cleaned(without("headers", "footers", "quotes"))),
    **{
        f"newsgroups_without_{part}": replace(_NEWSGROUPS, each=_cleaned(without(part)))
        for part in ("headers", "footers", "quotes")
    },
    "thucnews": Preset(
        hub="", folder="thucnews_titles", layout=_cells("text", "label"),
        files={"train": "dev.txt", "test": "test.txt"},
        labels=dict(zip("0123456789", ("财经", "房产", "股票", "教育", "科技", "社会", "时政", "体育", "游戏", "娱乐"),
            strict=True)),
        question="这个新闻标题属于哪一类？",
    ),
    "waimai": _REVIEWS,
    "hotels": replace(
        _REVIEWS, hub="dirtycomputer/ChnSentiCorp_htl_all",
        files={"train": "ChnSentiCorp_htl_all/ChnSentiCorp_htl_all.csv.gz"},
    ),
    "cola": Preset(
        hub="nyu-mll/glue:cola", folder="CoLA", files=_GLUE, hub_splits=_HELD_OUT, text="{sentence}",
        layout=_cells("", "label", "", "sentence"), labels={"0": "unacceptable", "1": "acceptable"},
        question="Is this sentence acceptable English?", metrics=("matthews", "accuracy"),
    ),
    "rte": _pairs(
        "nyu-mll/glue:rte", "RTE", "idx sentence1 sentence2 label", labels=_ENTAILS,
        question="Does the first text entail the second?", metrics=("accuracy",),
    ),
    "wnli": _pairs(
        "nyu-mll/glue:wnli", "WNLI", "idx sentence1 sentence2 label", labels={"0": "not entailment", "1": "entailment"},
        question="Does the first text entail the second?", metrics=("accuracy",),
    ),
    "mrpc": _pairs(
        "nyu-mll/glue:mrpc", "MRPC", "label id1 id2 sentence1 sentence2", labels={"0": "different", "1": "equivalent"},
        files={"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"},
        hub_splits={"train": "train", "validation": "validation", "test": "test"}, positive="equivalent",
        headed="Quality",
        question="Do the two sentences mean the same?", metrics=("accuracy", "f1"),
    ),
    "qqp": _pairs(
        "nyu-mll/glue:qqp", "QQP", "idx id1 id2 sentence1 sentence2 label", labels={"0": "different", "1": "duplicate"},
        files={"train": "new_dev.tsv.gz"}, positive="duplicate", short=True, question="Do the two questions ask the same?",
        metrics=("accuracy", "f1"), hub_fields={"question1": "sentence1", "question2": "sentence2"},
    ),
    "stsb": _pairs(
        "nyu-mll/glue:stsb", "STS-B", "idx genre file year old s1 s2 sentence1 sentence2 label", scores=True,
        files={"train": "train.tsv", "test": "dev.tsv"}, labels={str(grade): str(grade) for grade in range(6)},
        question="How alike in meaning are the two sentences, from 0 to 5?", metrics=("pearson", "spearman"),
    ),
    "boolq": _few(
        "boolq", "BoolQ", files={**_JSON, "test": "val.jsonl.gz"}, text="{question}", pair="{passage}",
        question="What is the answer to the question, by the passage?", metrics=("accuracy",),
    ),
    "cb": _few(
        "cb", "CB", text="{premise}", pair="{hypothesis}", metrics=("accuracy", "macro_f1"),
        labels={"entailment": "entailment", "contradiction": "contradiction", "neutral": "neutral",
            "0": "entailment", "1": "contradiction", "2": "neutral"},
        question="What does the first text say of the second?",
    ),
    "copa": _few(
        "copa", "COPA", text="{premise} What was the {question}?", pair="1: {choice1} 2: {choice2}",
        labels={"0": "1", "1": "2"}, question="Which of the two is it?", metrics=("accuracy",),
    ),
    "wic": _few(
        "wic", "WiC", text="{word}: {sentence1}", pair="{word}: {sentence2}",
        question="Does the word mean the same in both sentences?", metrics=("accuracy",),
    ),
    "multirc": _few(
        "multirc", "MultiRC", text="{passage}", pair="{question} {answer}", each=_answers, positive="yes",
        question="Is this a right answer to the question, by the text?", metrics=("f1", "exact_match", "accuracy"),
        family="{idx.paragraph}", group="{idx.paragraph} {idx.question}",
    ),
    "wsc": _few(
        "wsc", "WSC", text="{text}", pair="{target.span2_text}: {target.span1_text}",
        question="Does the word mean the person or thing behind it?", metrics=("accuracy",),
        hub_fields={"span1_text": "target.span1_text", "span2_text": "target.span2_text"},
    ),
}  # fmt: skip
