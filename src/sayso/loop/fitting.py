"""Which method fits what a workspace holds: one table of what each method needs, what speaks for it and what against it.

`sayso recommend` ranks by this table, and `docs/how-to/choose-a-method.md` is written from it. The weights are a judgement:
they order what was measured here or published, each said in its sentence, and are no measurement themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sayso.training.rules import limit

MANY_REFINED = 0.5
"""From this share of the failing responses on, refinements are no longer few."""
SMALL_EDIT = 0.3
"""Refinements that change no more of the words than this are edits."""
POINTED = 0.3
"""From this share of the failing responses on, spans are more than an exception."""
MANY_PRAISED = 20
"""From so many praised responses on, praise is worth as much as blame."""
MANY_DIFFERENT = 10
"""So many different comments, and their words say more than that something is wrong."""
REASONS = 12
"""Comments of so many words on average give reasons."""
MANY_PAIRS = 100
"""From so many refinements on, pairs are many."""
SMALL_MODEL = 50_000_000
"""Weights below which the published strengths of an anchor hold a model too little."""
LARGE_MODEL = 3_000_000_000
"""Weights from which on a model is presumed to follow comments until that is measured; SDPO (2601.20802) gains little at 1.5
billion."""
FOLLOWS = 0.5
"""Puts right so many of its failing answers when told: a good teacher of itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What a workspace holds, in numbers."""

    answered: int = 0
    """Responses of the version that a prompt to learn from has."""
    comments: int = 0
    """Open comments."""
    failing: int = 0
    """Responses that a comment applies to and that do not meet it."""
    refined: int = 0
    """Of those, with a refinement."""
    pointed: int = 0
    """Of those, with a span in them that a comment points at."""
    checked: int = 0
    """Of those, with a check to every comment that is not met."""
    praised: int = 0
    """Responses of which only good was said."""
    different: int = 0
    """Different comments among those that are not met."""
    said: float = 0.0
    """Words of a comment, on average."""
    everywhere: bool = False
    """Whether every comment always applies."""
    families: int = 0
    """Different kinds of prompts among the failing responses."""
    near: int = 0
    """Answers near a scope that no unmet comment applies to."""
    out: int = 0
    """The same out of scope."""
    edit_ratio: float | None = None
    """Share of the words that the refinements change."""
    parameters: int | None = None
    """Of the model; None where its folder does not say."""
    competence: float | None = None
    """Share of its failing answers that it puts right when told; None where it was not measured."""
    tokens: int = 0
    """Of a failing response with its prompt, on average, about."""
    budget: float | None = None
    """Seconds that training may take."""
    classes: int = 0
    """Of the model; 0 where it writes."""

    @property
    def few_refined(self) -> bool:
        """Whether most of the failing responses have no refinement."""
        return self.refined < MANY_REFINED * self.failing

    @property
    def small_edit(self) -> bool:
        """Whether refinements keep most of the words."""
        return self.edit_ratio is not None and self.edit_ratio <= SMALL_EDIT


Asked = Callable[[Holding], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a method cannot do without."""

    says: str
    """What it is, as a sentence template; what is missing is said with it."""
    met: Asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What speaks for a method where it is so, or against it."""

    weight: float
    """Above 0 for it, below 0 against it."""
    says: str
    so: Asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """When a method fits."""

    passes: float
    """What a row costs, in passes forward and backward over one answer."""
    needs: tuple[Need, ...]
    points: tuple[Point, ...]


def _(message: str) -> str:
    """Mark a sentence for translation; it is said in the user's language when it is asked for."""
    return message


def _always(holding: Holding) -> bool:
    return True


_FAILING = Need(says=_("a response that a comment applies to and that does not meet it"), met=lambda it: it.failing > 0)
_REFINED = Need(says=_("a refinement of such a response (sayso refine, or a person's)"), met=lambda it: it.refined > 0)
_GOOD = Need(
    says=_("good answers: refinements, or responses of which only good was said (comments of the kind keep)"),
    met=lambda it: it.refined + it.praised > 0,
)
_UNREFINED = Point(
    weight=1, says=_("it needs no refinement, and {refined} of {failing} failing responses have one"),
    so=lambda it: it.few_refined,
)  # fmt: skip
_LEFT_OUT = Point(
    weight=-1, says=_("only {refined} of {failing} failing responses have a refinement; the others are left out"),
    so=lambda it: it.few_refined,
)  # fmt: skip
_FOLLOWS = Point(
    weight=1, says=_("told the comment, the model puts right {competence:.0%} of its failing answers: it can teach itself"),
    so=lambda it: it.competence is not None and it.competence >= FOLLOWS,
)  # fmt: skip
_DEAF = Point(
    weight=-4, says=_("told the comment, the model puts right only {competence:.0%} of its failing answers: a poor teacher"),
    so=lambda it: it.competence is not None and it.competence < limit("low_competence"),
)  # fmt: skip
_UNKNOWN = Point(
    weight=-1, says=_("whether the model follows comments is not known: sayso plan --competence measures it"),
    so=lambda it: it.competence is None and (it.parameters or 0) < LARGE_MODEL,
)  # fmt: skip

FITS: dict[str, Fit] = {
    "refine_sft": Fit(
        passes=1,
        needs=(_FAILING, _REFINED),
        points=(
            Point(
                weight=3,
                says=_("it needs least, and on a small model no method was shown to gain more"),
                so=_always,
            ),
            _LEFT_OUT,
        ),
    ),
    "edit_weighted": Fit(
        passes=2,
        needs=(_FAILING, _REFINED),
        points=(
            Point(weight=1, says=_("it learns from the refinements"), so=_always),
            Point(
                weight=1.5,
                says=_("the refinements change only {edit_ratio:.0%} of the words: the edit is learnt, the rest kept"),
                so=lambda it: it.small_edit,
            ),
            Point(
                weight=1.5,
                says=_("comments point at words in {pointed} of {failing} failing responses, and it reads them"),
                so=lambda it: it.pointed > 0 and it.pointed >= POINTED * it.failing,
            ),
            Point(
                weight=-3,
                says=_("the refinements change {edit_ratio:.0%} of the words: nearly every word counts as edited"),
                so=lambda it: (it.edit_ratio or 0) > limit("much_edited"),
            ),
            _LEFT_OUT,
        ),
    ),
    "refine_dpo": Fit(
        passes=2.7,
        needs=(_FAILING, _REFINED),
        points=(
            Point(weight=2, says=_("it learns fastest what the refinement changes"), so=_always),
            Point(
                weight=2,
                says=_("the comments apply everywhere, so that what it learns may spread, and there are {refined} pairs"),
                so=lambda it: it.everywhere and it.refined >= MANY_PAIRS,
            ),
            Point(
                weight=-1, says=_("it spreads furthest where the comment does not apply"), so=lambda it: not it.everywhere
            ),
            _LEFT_OUT,
        ),
    ),
    "scoped": Fit(
        passes=4.7,
        needs=(
            _FAILING,
            _REFINED,
            Need(
                says=_("answers near the scope or out of it, to prompts that no comment applies to"),
                met=lambda it: it.near + it.out > 0,
            ),
        ),
        points=(
            Point(weight=1, says=_("it holds the model near and out of scope in its own loss"), so=_always),
            Point(
                weight=2.5,
                says=_(
                    "there are {near} answers near the scope for {refined} pairs: where it must not apply is "
                    "as well known as where it must"
                ),
                so=lambda it: it.near >= it.refined > 0,
            ),
            Point(
                weight=-2,
                says=_(
                    "its weights are the paper's, for billions of parameters; the guard of the others holds a "
                    "small model better"
                ),
                so=lambda it: it.parameters is not None and it.parameters < SMALL_MODEL,
            ),
            _LEFT_OUT,
        ),
    ),
    "critique": Fit(
        passes=2,
        needs=(_FAILING, _REFINED),
        points=(
            Point(weight=1, says=_("it learns the refinement, and to say what is wrong"), so=_always),
            Point(
                weight=2.5,
                says=_("the comments give reasons: {different} different ones of {said:.0f} words on average"),
                so=lambda it: it.said >= REASONS and it.different >= MANY_DIFFERENT,
            ),
            Point(
                weight=-1,
                says=_("the comments are few or alike ({different} different ones): there is little to predict"),
                so=lambda it: it.different < MANY_DIFFERENT,
            ),
            _LEFT_OUT,
        ),
    ),
    "conditional": Fit(
        passes=2,
        needs=(_FAILING, _GOOD),
        points=(
            Point(weight=1, says=_("it uses faulty answers too, with the words said of them"), so=_always),
            Point(
                weight=3,
                says=_(
                    "{different} different comments say more than good or bad, and few responses have a "
                    "refinement ({refined} of {failing})"
                ),
                so=lambda it: it.different >= MANY_DIFFERENT and it.few_refined,
            ),
        ),
    ),
    "polarity": Fit(
        passes=4.7,
        needs=(_FAILING, _GOOD),
        points=(
            Point(weight=1, says=_("it needs no pairs, only praise and blame"), so=_always),
            Point(
                weight=3,
                says=_(
                    "{praised} responses were praised and {failing} blamed, in few different words ({different}) "
                    "and with few refinements"
                ),
                so=lambda it: it.praised >= MANY_PRAISED and it.different < MANY_DIFFERENT and it.few_refined,
            ),
        ),
    ),
    "hindsight": Fit(
        passes=1.5,
        needs=(_FAILING,),
        points=(
            _UNREFINED,
            _FOLLOWS,
            _DEAF,
            _UNKNOWN,
            Point(
                weight=0.5,
                says=_("models of its size ({millions:.0f} M weights) mostly follow comments"),
                so=lambda it: it.competence is None and (it.parameters or 0) >= LARGE_MODEL,
            ),
        ),
    ),
    "cut": Fit(
        passes=2,
        needs=(_FAILING,),
        points=(
            _UNREFINED,
            _DEAF,
            _UNKNOWN,
            Point(weight=-1, says=_("it learns what not to write, never what to write in its place"), so=_always),
        ),
    ),
    "feedback_rl": Fit(
        passes=24,
        needs=(
            _FAILING,
            Need(
                says=_("a check for every comment, which judges the new answers (without one: {unchecked} of {failing})"),
                met=lambda it: 0 < it.failing == it.checked,
            ),
        ),
        points=(
            _UNREFINED,
            _DEAF,
            Point(
                weight=2,
                says=_(
                    "told the comment, the model puts right {competence:.0%} of its answers, and it learns what "
                    "a second try does better"
                ),
                so=lambda it: it.competence is not None and it.competence >= limit("low_competence"),
            ),
            Point(
                weight=-2,
                says=_("it draws new answers at every step, which costs most of all"),
                so=lambda it: it.budget is None,
            ),
            Point(
                weight=1,
                says=_("there is time for it: about {minutes:.0f} minutes of {budget_minutes:.0f}"),
                so=lambda it: it.budget is not None,
            ),
        ),
    ),
    "rationale": Fit(
        passes=3,
        needs=(
            Need(says=_("a classifier (sayso finetune --task classify)"), met=lambda it: it.classes > 0),
            _FAILING,
            _REFINED,
        ),
        points=(
            Point(weight=1, says=_("it learns the class that a comment names"), so=_always),
            Point(
                weight=3,
                says=_("it is made for classifiers: words that comments quote are what a class is to rest on"),
                so=lambda it: it.classes > 0,
            ),
            _LEFT_OUT,
        ),
    ),
}
"""By name. `sft` is not among them: it learns conversations, not feedback."""
