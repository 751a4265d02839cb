"""Comments on a classifier's answers become texts to learn: the class that they name, and the words that they mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sayso.batches import Row
from sayso.critics import labels
from sayso.errors import PreflightError, RecordError, SettingsError
from sayso.methods.rationale import Rationale
from sayso.records import Comment, Example, Prompt, Refinement
from sayso.store import exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sayso.models import Policy
    from sayso.models.classical.linear import Examples
    from sayso.models.labelling import Text
    from sayso.tasks.classify.splits import Splits


@dataclass(frozen=True, kw_only=True, slots=True)
class Comments:
    """Comments that are learnt beside labelled texts."""

    files: tuple[str, ...] = ()
    """JSONL of comments on answers, as `sayso comments export` writes them."""
    weight: float = 1.0
    """What a text with a comment weighs, where a labelled one weighs 1."""
    marked: float = 10.0
    """What the marked words weigh as a text of their own, for the linear classifier; 0: their class alone is learnt."""
    penalty: float = 0.1
    """How much the words beside the marked ones are held down, for a network; 0: their class alone is learnt."""
    reader: str = ""
    """A classifier of comments, which is asked of those that name no class: with the classes good and bad it says whether
    the answer is right, with the classes of the answers which one is meant; empty: `fix` and `concern` find fault."""

    def __post_init__(self) -> None:
        for name in ("weight", "marked", "penalty"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingsError(
                    "{key}: found {found}; expected 0 or more", key=f"comments.{name}", found=getattr(self, name)
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What comments teach, and how many could not be used."""

    examples: tuple[Example, ...] = ()
    """One a text, its right class as the refinement."""
    unread: int = 0
    """Responses whose comments name no class, or several."""
    tested: int = 0
    """Texts that are chosen or measured on, and are not learnt for that."""

    @property
    def marked(self) -> int:
        """How many of the texts have words that are marked."""
        return sum(bool(labels.marks(item.comments, item.prompt)) for item in self.examples)


NOTHING = Told()
"""Where no comment is learnt from."""


def read(settings: Comments, splits: Splits) -> Told:
    """Return what the comments of the files teach about the classes of a task.

    Raises:
        NotFoundError: there is no such file.
        RecordError: a line is wrong.
        PreflightError: no comment can be learnt from.
    """
    if not settings.files:
        return NOTHING
    said = [comment for name in settings.files for comment in _comments(name)]
    grouped: dict[str, list[Comment]] = {}
    for comment in said:
        if comment.response is not None and comment.status == "open":
            grouped.setdefault(comment.response.id, []).append(comment)
    reader = labels.reader_of(settings.reader, splits.task.classes) if settings.reader else None
    held = {_key(item.inputs["text"], item.inputs.get("pair", "")) for item in (*splits.validation, *splits.test)}
    found, unread, tested = [], 0, 0
    for group in grouped.values():
        read_ = labels.read(group, splits.task.classes, reader=reader)
        example = _example(group, read_.label) if read_ else None
        unread += example is None
        if example is not None and _key(*text_of(example.prompt)) in held:
            tested += 1
        elif example is not None:
            found.append(example)
    if not found:
        raise PreflightError(
            "none of the {count} comments can be learnt from: {unread} answers have no comment that names one of {known} "
            "(say it in front: \"{first}: 'these words' …\"), {tested} texts are kept for measuring",
            count=len(said), unread=unread, known=", ".join(splits.task.classes[:20]), first=splits.task.classes[0],
            tested=tested,
        )  # fmt: skip
    return Told(examples=tuple(found), unread=unread, tested=tested)


def taught(learnt: Examples, told: Told, classes: Sequence[str], settings: Comments) -> Examples:
    """Return what the linear classifier learns, with the commented texts, and their marked words as texts of their own.

    Source: words that are known to speak for a class as evidence of their own, beside labelled texts, as in Melville, Gryc
    and Lawrence 2009 (KDD, "Sentiment analysis of blogs by combining lexical knowledge with text classification"). There
    they come from a list and are pooled with a generative classifier; here a comment's words are one more short text.
    """
    texts, numbers, weights = list(learnt.texts), list(learnt.classes), list(learnt.weights)
    for example in told.examples:
        assert example.refinement is not None, "the class that was read"
        number = classes.index(example.refinement.text)
        parts = [(text_of(example.prompt), settings.weight), (_marked(example), settings.marked)]
        for text, weight in parts:
            if weight and any(text):
                texts, numbers, weights = [*texts, text], [*numbers, number], [*weights, weight]
    return replace(learnt, texts=texts, classes=numbers, weights=weights)


def rows(told: Told, policy: Policy, weights: Mapping[str, float], settings: Comments) -> list[Row]:
    """Return the commented texts as a network learns them; `weights` is what each class weighs."""
    method = Rationale(penalty=settings.penalty)
    made = method.rows(told.examples, policy)
    scale = [settings.weight * weights[item.refinement.text] for item in told.examples if item.refinement]
    return [
        replace(row, weights=tuple(weight * share for weight in row.weights)) for row, share in zip(made, scale, strict=True)
    ]


def text_of(prompt: Prompt) -> Text:
    """Return a prompt's text, and its second one."""
    texts = [message.content for message in prompt.messages if message.role != "system"]
    return texts[0], "\n".join(texts[1:])


def _comments(name: str) -> tuple[Comment, ...]:
    reading = exchange.read_comments(name)
    if reading.faults:
        raise RecordError("{fault} ({count} faults in all)", fault=reading.faults[0].message, count=len(reading.faults))
    return reading.comments


def _example(comments: Sequence[Comment], label: str) -> Example:
    response = comments[0].response
    assert response is not None, "comments on an answer"
    ids = tuple(comment.id for comment in comments)
    better = Refinement(response=response, text=label, addresses=ids, refiner="label", source="tool")
    return Example(prompt=response.prompt, response=response, comments=tuple(comments), refinement=better)


def _marked(example: Example) -> Text:
    """Return the words of a text that its comments mark, apart from each other."""
    found: dict[int, list[str]] = {0: [], 1: []}
    turns = [number for number, message in enumerate(example.prompt.messages) if message.role != "system"]
    for mark in labels.marks(example.comments, example.prompt):
        words = example.prompt.messages[mark.turn].content[mark.start : mark.end]
        found[min(1, turns.index(mark.turn))].append(words)
    return " . ".join(found[0]), " . ".join(found[1])


def _key(text: str, pair: str) -> tuple[str, str]:
    return " ".join(text.split()), " ".join(pair.split())
