"""Where better responses come from: a person gave one, a repair makes one, or the policy, told the comments, writes one.

A refinement is kept only when every check of its comments holds on it, it has at least one letter and it is not the response
again; whatever is not kept comes back as a rejection with its reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sayso.critics import Refiner
from sayso.critics.checking import load_check, repair_of
from sayso.critics.parts import is_sound, words
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.models import Writer
from sayso.models.templates import TEMPLATES
from sayso.models.writing.sampling import Sampling
from sayso.records import Check, Comment, Refinement, Rejection, Response

Request = tuple[Response, tuple[Comment, ...]]
Answer = tuple[Refinement | None, tuple[Rejection, ...]]

ROUNDS = 4
"""Two repairs may undo each other; after this many rounds an edit is given up."""
LENGTH_SLACK = 10
"""Words by which a candidate may be longer or shorter whatever the ratio: a short answer doubles easily."""
LONG = 4000
"""Characters from which on likeness leaves out frequent characters: it would take time quadratic in their number."""
_SHORTENS = frozenset({"max_words", "max_sentences", "max_chars", "equals", "json_valid", "all_of", "any_of"})
_LENGTHENS = frozenset({"min_words", "min_sentences", "bullets", "json_valid", "all_of", "any_of"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Refinements that are there already, a person's above all, looked up by the response; the latest is tried first.

    Where a comment has no check, a person's refinement is taken at its word, another's only if it addresses the comment.
    """

    refinements: Sequence[Refinement]

    def refine(self, requests: Sequence[Request]) -> list[Answer]:
        """Return what was given for each response; nothing given is None without a rejection."""
        known: dict[str, list[Refinement]] = {}
        for refinement in self.refinements:
            known.setdefault(refinement.response.id, []).insert(0, refinement)
        return [_first_good(response, comments, known.get(response.id, [])) for response, comments in requests]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """The smallest change that makes the checks of all the comments hold, by the repairs that the checks know."""

    def refine(self, requests: Sequence[Request]) -> list[Answer]:
        """Repair each response; where a comment has no check or a check no repair, say so."""
        return [_edited(response, comments) for response, comments in requests]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What the policy writes when it is told the comments: of `n` samples that pass, the one most like the response.

    Source: best of n samples, as in "Training Language Models with Language Feedback" (arXiv 2204.14146), selected by checks
    in place of similarity to the comment.
    """

    writer: Writer
    sampling: Sampling
    n: int = 4
    template: str = "refine"
    """How the comments are told: a name of `sayso.models.templates.TEMPLATES`."""
    unchecked: bool = False
    """Keep samples for comments that have no check, though nothing verifies them."""
    max_length_ratio: float = 3.0
    """A candidate with this many times the words of the response, or this many times fewer, is not a refinement of it."""

    def __post_init__(self) -> None:
        if self.template not in TEMPLATES:
            raise SettingsError(
                "sample: template={found!r}; expected one of {known}", found=self.template, known=", ".join(TEMPLATES)
            )
        if self.n < 1:
            raise SettingsError("sample: n={found!r}; expected a whole number from 1", found=self.n)

    def refine(self, requests: Sequence[Request]) -> list[Answer]:
        """Write all candidates of all responses in one go, then choose."""
        blocked = [_why_not(comments, unchecked=self.unchecked) for _response, comments in requests]
        asked = [request for request, why in zip(requests, blocked, strict=True) if why is None]
        template = TEMPLATES[self.template]
        prompts = [
            template(response.prompt, response, comments) for response, comments in asked for _candidate in range(self.n)
        ]
        written = iter(self.writer.generate(prompts, self.sampling) if prompts else [])
        answers = []
        for (response, comments), why in zip(requests, blocked, strict=True):
            if why is not None:
                answers.append(_nothing(response, "", why, "sample"))
            else:
                answers.append(self._chosen(response, comments, [next(written).strip() for _candidate in range(self.n)]))
        return answers

    def _chosen(self, response: Response, comments: tuple[Comment, ...], texts: list[str]) -> Answer:
        whys = {text: self._refusal(response, comments, text) for text in texts}
        passing = [text for text, why in whys.items() if why is None]
        best = max(passing, key=lambda text: likeness(response.text, text), default=None)
        rejections = tuple(
            Rejection(response=response, text=text, reason=why or _("Another candidate changes less."), refiner="sample")
            for text, why in whys.items()
            if text != best
        )
        if best is None:
            return None, rejections
        return _refinement(response, comments, best, "sample"), rejections

    def _refusal(self, response: Response, comments: tuple[Comment, ...], text: str) -> str | None:
        return (
            refusal(response, comments, text)
            or _repeats(comments, text)
            or length_refusal(response, comments, text, self.max_length_ratio)
        )


def refine(requests: Sequence[Request], refiners: Iterable[Refiner]) -> list[Answer]:
    """Try refiners in order until one has a refinement; the rejections of all that were tried are kept."""
    answers: list[Answer] = [(None, ()) for _request in requests]
    for refiner in refiners:
        waiting = [at for at, (kept, _why) in enumerate(answers) if kept is None]
        if not waiting:
            break
        for at, (kept, why) in zip(waiting, refiner.refine([requests[at] for at in waiting]), strict=True):
            answers[at] = (kept, answers[at][1] + why)
    return answers


def refusal(response: Response, comments: Iterable[Comment], text: str) -> str | None:
    """Say why a text is no refinement of a response under these comments; None: it is one."""
    if not is_sound(text):
        return _("It has no letters.")
    if text.strip() == response.text.strip():
        return _("It is the response again.")
    failed = (load_check(comment.check)(text) for comment in comments if comment.check is not None)
    return next((held.said or _("A check does not hold.") for held in failed if not held.held), None)


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are, 0 to 1: twice the matching characters over all of them (difflib)."""
    return difflib.SequenceMatcher(None, one, other, autojunk=len(one) > LONG).ratio()


def _first_good(response: Response, comments: tuple[Comment, ...], given: list[Refinement]) -> Answer:
    rejections: list[Rejection] = []
    for refinement in given:
        why = refusal(response, comments, refinement.text) or _not_meant(comments, refinement)
        if why is None:
            return refinement, tuple(rejections)
        rejections.append(Rejection(response=response, text=refinement.text, reason=why, refiner="given"))
    return None, tuple(rejections)


def _not_meant(comments: tuple[Comment, ...], refinement: Refinement) -> str | None:
    loose = [comment for comment in comments if comment.check is None and comment.id not in refinement.addresses]
    if not loose or refinement.source == "person":
        return None
    return _("It was made for other comments, and nothing verifies this one.")


def _edited(response: Response, comments: tuple[Comment, ...]) -> Answer:
    why = _why_not(comments, unchecked=False)
    if why is not None:
        return _nothing(response, "", why, "edit")
    text, checks = response.text, [comment.check for comment in comments if comment.check is not None]
    for _round in range(ROUNDS):
        before = text
        for check in checks:
            better, why = _repaired(text, check)
            if better is None:
                return _nothing(response, text, why, "edit")
            text = better
        if text == before:
            break
    why = refusal(response, comments, text)
    if why is not None:
        return _nothing(response, text, why, "edit")
    return _refinement(response, comments, text, "edit"), ()


def _repaired(text: str, check: Check) -> tuple[str | None, str]:
    if load_check(check)(text).held:
        return text, ""
    repair = repair_of(check)
    if repair is None:
        return None, _("The check {name} knows no repair.").format(name=check.name)
    return repair(text), _("The check {name} found no repair for this text.").format(name=check.name)


def _why_not(comments: tuple[Comment, ...], *, unchecked: bool) -> str | None:
    if not comments:
        return _("There is no comment to address.")
    if not unchecked and any(comment.check is None for comment in comments):
        return _("The comment has no check, so nothing can verify a refinement; give the comment a check, or a refinement.")
    return None


def _repeats(comments: tuple[Comment, ...], text: str) -> str | None:
    told = (comment.text.strip().lower() for comment in comments if len(words(comment.text)) > 4)
    return _("It repeats the comment.") if any(said in text.lower() for said in told) else None


def length_refusal(response: Response, comments: tuple[Comment, ...], text: str, ratio: float) -> str | None:
    """Say why a text is too long or too short to stand in a response's place; None: it is not, or a check asks for it."""
    names = {comment.check.name for comment in comments if comment.check is not None}
    was, now = len(words(response.text)), len(words(text))
    if now > was * ratio + LENGTH_SLACK and not names & _LENGTHENS:
        return _("It is much longer than the response.")
    if now < was / ratio - LENGTH_SLACK and not names & _SHORTENS:
        return _("It is much shorter than the response.")
    return None


def _refinement(response: Response, comments: tuple[Comment, ...], text: str, refiner: str) -> Refinement:
    addresses = tuple(comment.id for comment in comments)
    bare = Refinement(response=response, text=text, addresses=addresses, refiner=refiner, source="tool")
    return bare if refiner == "edit" else replace(bare, source="model")


def _nothing(response: Response, text: str, reason: str, refiner: str) -> Answer:
    return None, (Rejection(response=response, text=text, reason=reason, refiner=refiner),)
