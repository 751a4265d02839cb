"""Learn answers under the words said of them, and good answers without any, so that the model learns what words mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from sayso.batches import Batch, Row, row
from sayso.errors import ModelError, PreflightError, SettingsError
from sayso.i18n import gettext as _
from sayso.losses.likelihood import nll
from sayso.models.templates import TEMPLATES
from sayso.records import Comment, Message, Prompt, identity, praises

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example

_AGAIN = "Answer again."


class _Answer(NamedTuple):
    """An answer to a prompt, what is said of it, and whether it is as it should be."""

    prompt: Prompt
    text: str
    said: tuple[Comment, ...]
    good: bool
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditional:
    """Learn answers under the words said of them, and good answers without any, so that the model learns what words mean.

    Source:
        The feedback-conditional policy (FCP, arXiv 2509.22638, offline) is `form: fcp`; Chain of Hindsight (2302.02676) is
        `form: chain`: several answers to a prompt in one row, each after what is said of it.
    Wants:
        A response and comments on it, kept and faulty ones; refinements are the good answers, and so is a response of which
        only praise was said. No rating. The model need not follow comments yet.
    Loss:
        -sum_t log pi(response_t | prompt, comments) - sum_t log pi(refinement_t | prompt, positive words), and for a share
        of the good answers -sum_t log pi(good_t | prompt); averaged over all answer tokens of a step.
    Differs:
        The papers ask with the positive condition when the model is used; here `unconditioned` teaches good answers without
        one too, so that nobody has to type it. FCP goes on online with answers drawn under the positive condition; that is
        another round here. Refinements under positive words are not in FCP, which has none. Chain of Hindsight also hides
        15 % of the earlier tokens from attention against copying: rows that share a line have no such mask, so it is left
        out. Which answer of a chain stands first, good or bad, the hash of the answers decides. The paper's pre-training
        loss is the scope guard's work here.
    """

    learning_rate: float = 4e-4
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 3e-3 to 1.2e-2."""
    form: Literal["fcp", "chain"] = "fcp"
    """A row an answer, or (`chain`) the answers to a prompt one after another in a row."""
    template: Literal["expected", "told"] = "expected"
    """How the comments are told: `expected` marks them as said of the answer to come. `told` gives them as standing words
    to the model; a model that follows those unlearns it, unless comments describe and never ask."""
    positive: str = "This is right as it is."
    """What is told before a refinement."""
    praise: Literal["words", "said"] = "words"
    """What a refinement is told to be: the words of `positive`, or (`said`) praise from among the examples' comments."""
    unconditioned: float = 0.5
    """Share of the good answers that are learnt without a condition too, 0 to 1; the hash of an answer decides which."""
    chain_length: int = 4
    """Most answers in a row of `form: chain`; fewer where the model's context ends."""

    def __post_init__(self) -> None:
        if not self.positive.strip():
            raise SettingsError("conditional: positive is empty; expected words, such as {words!r}", words="This is right.")
        if not 0 <= self.unconditioned <= 1:
            raise SettingsError("conditional: unconditioned={found}; expected a share from 0 to 1", found=self.unconditioned)
        if self.chain_length < 1:
            raise SettingsError("conditional: chain_length={found}; expected 1 or more", found=self.chain_length)

    @property
    def group(self) -> int:
        """One row stands alone."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the comments, praise among them; refinements where there are any."""
        return frozenset({"response", "comment", "praise"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def cautions(self) -> list[str]:
        """Return what to know before training with these settings."""
        found = []
        if not self.unconditioned:
            sentence = _(
                "conditional with unconditioned 0 learns faulty answers too: ask with {words!r} before every prompt"
            )
            found.append(sentence.format(words=self.positive))
        if self.template == "told":
            found.append(
                _("conditional with template told learns faulty answers after words that ask for better ones; take expected")
            )
        return found

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield the answers to each prompt under what is said of them, then some good ones without a condition.

        Raises:
            PreflightError: there is no good answer, or no praise where praise is wanted.
            ModelError: the chat template writes earlier turns otherwise once a later one follows, so that no chain can be.
        """
        given = list(examples)
        praise = _praise(given)
        answers = [answer for example in given for answer in self._answers(example, praise)]
        if not answers:
            return
        plain = self._plain(answers)
        for together in _by_prompt(answers):
            yield from self._chains(together, policy)
            for answer in together:
                if answer in plain:
                    context = policy.encode_prompt(answer.prompt)
                    yield row(context, policy.encode_response(answer.text), label=f"{answer.label} (no condition)")

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the negative log-likelihood of the answers and the number of their tokens."""
        return nll(policy.token_logprobs(batch), batch.weights)

    def _answers(self, example: Example, praise: Sequence[str]) -> Iterator[_Answer]:
        label = example.label
        if example.response is not None and example.comments:
            good = all(praises(comment) for comment in example.comments)
            yield _Answer(example.prompt, example.response.text, example.comments, good, label)
        if example.refinement is not None:
            said = (Comment(text=self._positive(example.refinement.text, praise)),)
            yield _Answer(example.prompt, example.refinement.text, said, good=True, label=f"{label} (refinement)")

    def _positive(self, text: str, praise: Sequence[str]) -> str:
        if self.praise == "words":
            return self.positive
        if not praise:
            raise PreflightError(
                "conditional: praise is said, but no comment of the examples praises; add some of kind keep, or set praise "
                "to words"
            )
        return praise[int(identity(text), 16) % len(praise)]

    def _plain(self, answers: Sequence[_Answer]) -> set[_Answer]:
        """Return the good answers that are learnt without a condition: the first of them by hash."""
        good = sorted({answer for answer in answers if answer.good}, key=_key)
        if not good and self.unconditioned:
            raise PreflightError(
                "no example has a refinement, and no response was only praised: {count} answers would be learnt, none of "
                "them a good one; refine the responses, add praise of kind keep, or set unconditioned to 0 and ask with the "
                "positive words",
                count=len(answers),
            )
        return set(good[: math.ceil(self.unconditioned * len(good))])

    def _chains(self, answers: Sequence[_Answer], policy: Policy) -> Iterator[Row]:
        """Yield rows of as many answers as the settings and the model's context allow."""
        most = self.chain_length if self.form == "chain" else 1
        held: list[_Answer] = []
        for answer in sorted(answers, key=_key) if most > 1 else answers:
            if held and (len(held) == most or len(self._row([*held, answer], policy).ids) > policy.max_length):
                yield self._row(held, policy)
                held = []
            held.append(answer)
        yield self._row(held, policy)

    def _row(self, answers: Sequence[_Answer], policy: Policy) -> Row:
        """Return one conversation in which each answer follows what is said of it; the answers carry loss.

        Answers that stand in the prompt carry none; `sft` learns those too, and is otherwise alike.
        """
        turns = list(self._tell(answers[0].prompt, answers[0].said))
        ids: list[int] = []
        weights: list[float] = []
        for number, answer in enumerate(answers):
            if number:
                words = self._tell(Prompt(messages=(Message(role="user", content=_AGAIN),)), answer.said)
                turns.append(Message(role="user", content="\n\n".join(turn.content for turn in words)))
            context = policy.encode_prompt(Prompt(messages=tuple(turns)))
            if context[: len(ids)] != ids:
                raise ModelError(
                    "{where}: the model's chat template changes an earlier answer when a later turn follows, so that "
                    "answers cannot be chained; set form to fcp",
                    where=answer.label,
                )
            learnt = policy.encode_response(answer.text)
            weights += [0.0] * (len(context) - len(ids)) + [1.0] * len(learnt)
            ids = [*context, *learnt]
            turns.append(Message(role="assistant", content=answer.text))
        return Row(ids=tuple(ids), weights=tuple(weights), label=" + ".join(answer.label for answer in answers))

    def _tell(self, prompt: Prompt, said: Sequence[Comment]) -> tuple[Message, ...]:
        return TEMPLATES[self.template](prompt, None, said).messages


def _praise(examples: Sequence[Example]) -> list[str]:
    """Return the words of praise among the comments, each once, in an order that does not depend on the examples'."""
    return sorted({comment.text for example in examples for comment in example.comments if praises(comment)})


def _by_prompt(answers: Sequence[_Answer]) -> list[list[_Answer]]:
    found: dict[tuple[Message, ...], list[_Answer]] = {}
    for answer in answers:
        found.setdefault(answer.prompt.messages, []).append(answer)
    return list(found.values())


def _key(answer: _Answer) -> str:
    return identity([answer.prompt.messages, answer.text, [comment.text for comment in answer.said]])
