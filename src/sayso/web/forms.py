"""What the page may send: shape and size, checked here and only here; what a value means is decided in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Required

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from sayso.i18n import gettext as _
from sayso.records import Kind, Reach, Severity, Status
from sayso.store.queue import Order, State

MAX_ID = 200
MAX_TEXT = 100_000
_CONFIG = ConfigDict(extra="forbid", use_attribute_docstrings=True)
_QUERY = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot keep."""
    if "\0" in text:
        raise ValueError(_("text without NUL characters"))
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError(_("some words"))
    return _storable(text)


Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_said)]
"""Text that says something."""
MaybeWords = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_storable)]
Line = Annotated[str, Field(max_length=1000), AfterValidator(_storable)]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(_storable)]
Ids = Annotated[list[Id], Field(max_length=1000)]
Answer = Literal["good", "needs_work", "bad"]
MaybeLine = Line | None
_PLACE = r"^-?[0-9]{1,18}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,2})?(:[0-9]{1,18})?$"
After = Annotated[str, Field(max_length=60, pattern=_PLACE)] | None
"""Where a page ends, as that page said."""
Limit = Annotated[int, Field(ge=1, le=200)]
Truth = Annotated[bool, Field(strict=True)]
Offset = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanForm:
    """A stretch of the response's text as it is stored: half open, in Unicode code points."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    start: Offset
    end: Offset


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentForm:
    """A comment on a response, or a new wording of one."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    key: Id
    """Made by the page: the same key twice is one comment, so that a form can be sent again."""
    text: Words
    kind: Kind = "fix"
    severity: Severity | None = None
    reach: Reach | None = None
    """How far it reaches: this answer, this kind of prompt, always."""
    scope_text: Line = ""
    spans: Annotated[list[SpanForm], Field(max_length=200)] = field(default_factory=list)
    supersedes: Ids = field(default_factory=list)
    confirmed_private: Truth = False
    """The writer has seen that the text holds personal data, and means it."""


class EditForm(TypedDict, total=False):
    """What is said differently now; what is not named stays as it was."""

    __pydantic_config__ = _CONFIG  # type: ignore[misc]
    key: Required[Id]
    text: Words
    kind: Kind
    severity: Severity | None
    reach: Reach | None
    scope_text: Line
    spans: Annotated[list[SpanForm], Field(max_length=200)]
    confirmed_private: Truth


@dataclass(frozen=True, kw_only=True, slots=True)
class TextForm:
    """A text to look at."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    text: MaybeWords


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonForm:
    """Why."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    reason: Line = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageForm:
    """The language of the page."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    language: Literal["en", "zh"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftForm:
    """What is being written and not yet said, in the page's own form."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictForm:
    """What a reviewer thinks of a response; null takes it back."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    verdict: Answer | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StateForm:
    """Whether a reviewer is through with a response."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    state: Literal["todo", "done", "skipped"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RefinementForm:
    """A better response, and the comments it addresses."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    key: Id = "-"
    """Not needed: the same words to the same comments are one refinement."""
    text: Words
    addresses: Ids = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignoffForm:
    """Whether a refinement may be learnt from."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    decision: Literal["accepted", "rejected"] | None
    """null takes it back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingForm:
    """A comment on all that a model writes, or on a kind of it."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    key: Annotated[str, Field(max_length=MAX_ID), AfterValidator(_storable)] = ""
    text: Words
    scope_text: Line = ""
    confirmed_private: Truth = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceForm:
    """Which of two responses is better."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    left: Id
    right: Id
    choice: Literal["left", "right", "tie", "both_bad"]
    reason: MaybeWords = ""
    confirmed_private: Truth = False


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationForm:
    """Whom to invite."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    name: Annotated[str, Field(max_length=100), AfterValidator(_storable)] = ""
    role: Literal["reviewer", "lead"] = "reviewer"


@dataclass(frozen=True, kw_only=True, slots=True)
class AssignmentForm:
    """How many responses go to whom, and how many reviewers see each."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    reviewer_ids: Annotated[list[Id], Field(min_length=1, max_length=200)]
    count: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    overlap: Annotated[int, Field(strict=True, ge=1, le=200)] = 1
    version: Id | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjudicationForm:
    """What a lead decides where reviewers differ."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    verdict: Answer
    reason: MaybeWords = ""
    again: Truth = False
    """The lead has seen that another one has decided otherwise, and replaces that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GuidelineForm:
    """What reviewers go by, and which text it replaces."""

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    text: MaybeWords
    seq: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
    """Of the text that was read before; when there is a newer one by now, nothing is replaced."""


class QueueQuery(BaseModel):
    """Which page of the queue."""

    model_config = _QUERY
    order: Order = "newest"
    state: State = "todo"
    version: MaybeLine = None
    search: MaybeLine = None
    after: After = None
    limit: Limit = 50


class CommentsQuery(BaseModel):
    """Which page of comments."""

    model_config = _QUERY
    search: MaybeLine = None
    author: MaybeLine = None
    status: Status | None = None
    after: After = None
    limit: Limit = 50


class PlaceQuery(BaseModel):
    """From which place on, and how many."""

    model_config = _QUERY
    after: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Limit = 50


class VersionsQuery(BaseModel):
    """Which two versions."""

    model_config = _QUERY
    a: Line
    b: Line


class PairsQuery(BaseModel):
    """Which pairs of two versions' responses."""

    model_config = _QUERY
    a: Line
    b: Line
    after: Annotated[int, Field(ge=0, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 10


class SimilarQuery(BaseModel):
    """What is about to be said."""

    model_config = _QUERY
    text: Annotated[str, Field(max_length=2000), AfterValidator(_storable)]
    limit: Annotated[int, Field(ge=1, le=20)] = 5


class ExportQuery(BaseModel):
    """In which format."""

    model_config = _QUERY
    format: Line = "sayso"
