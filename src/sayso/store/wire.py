"""The shape of the lines in files: what may stand there, of which type, said once for reading and for the schema.

Pydantic checks types here, and only here; what a value means is decided in `forms`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Kind, Reach, Role, Scope, Severity, Source, Split, Status
from sayso.store.rules import MAX_ID_CHARACTERS, wrong

Shape = TypeVar("Shape")
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS)]


def _has(*names: str) -> dict[str, Any]:
    """Say in JSON Schema that an object has these keys, and not as null."""
    return {"properties": {name: {"not": {"type": "null"}} for name in names}, "required": list(names)}


_PROMPT_OR_MESSAGES = {"oneOf": [_has("prompt"), _has("messages")]}


def _config(**extra: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, json_schema_extra=extra)


def _form(value: Any) -> str:
    return "<text>" if isinstance(value, str) else "<list>" if isinstance(value, list | tuple) else "<object>"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageLine:
    """One turn of a conversation."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    role: Role
    """Who speaks."""
    content: str
    """The words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptLine:
    """What a model is asked: `prompt` for a single turn of the user, or `messages` for a conversation."""

    __pydantic_config__: ClassVar[ConfigDict] = _config(**_PROMPT_OR_MESSAGES)
    prompt: str | None = None
    """The words of a single turn of the user."""
    messages: list[MessageLine] | None = None
    """A conversation whose last message is not the model's."""
    id: Id | None = None
    """A name of your own; without it the record is named by its content."""
    family: str | None = None
    """Wordings of one thing share a family; a family is never split between learning and testing."""
    split: Split | None = None
    """Whether it may be learnt from (`train`) or only be measured on (`test`)."""


Words = Annotated[Annotated[str, Tag("<text>")] | Annotated[PromptLine, Tag("<object>")], Discriminator(_form)]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopedPromptLine:
    """A probe in a list of probes: a prompt, and where it stands to the comment's scope."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    scope: Scope
    """`in`: the comment applies; `near`: it looks alike, but does not; `out`: everything else."""
    prompt: Words
    """The prompt, as text or as an object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbesLine:
    """Prompts on which the comment's take is counted, by where they stand to its scope."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    inside: Annotated[list[Words] | None, Field(alias="in")] = None
    """Prompts the comment applies to."""
    near: list[Words] | None = None
    """Prompts that look alike, where it does not apply."""
    out: list[Words] | None = None
    """Prompts that have nothing to do with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanLine:
    """A stretch of the response: by `start` and `end`, by `quote`, or both."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    start: int | None = None
    """First character, counted in Unicode code points from 0."""
    end: int | None = None
    """One past the last character."""
    quote: str | None = None
    """The words themselves; where they are not at `start`, they are looked for."""
    prefix: str | None = None
    """Words just before, to tell two places apart."""
    suffix: str | None = None
    """Words just after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckLine:
    """A programmatic predicate on a response, with which takes are counted."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    name: str
    """A check of sayso, such as `excludes`, or `module:function` of your own."""
    args: dict[str, Any] | None = None
    """What the check takes, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedTextLine:
    """A response with an id of its own."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    text: str
    """What the model wrote."""
    id: Id | None = None
    """A name of your own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefinementLine:
    """A better response, with what is known of it."""

    __pydantic_config__: ClassVar[ConfigDict] = _config()
    text: str
    """The better response."""
    id: Id | None = None
    """A name of your own."""
    addresses: list[Id] | None = None
    """The comments it claims to address; by default the comment of its line."""
    refiner: str | None = None
    """Who or what wrote it; `given` by default."""
    source: Source | None = None
    """A person (the default), a model or a tool."""


Written = Annotated[Annotated[str, Tag("<text>")] | Annotated[NamedTextLine, Tag("<object>")], Discriminator(_form)]
Better = Annotated[Annotated[str, Tag("<text>")] | Annotated[RefinementLine, Tag("<object>")], Discriminator(_form)]
BetterOnes = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[RefinementLine, Tag("<object>")] | Annotated[list[Better], Tag("<list>")],
    Discriminator(_form),
]
Probes = Annotated[
    Annotated[ProbesLine, Tag("<object>")] | Annotated[list[ScopedPromptLine], Tag("<list>")], Discriminator(_form)
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseLine:
    """A line of a file of responses: what a model wrote to a prompt."""

    __pydantic_config__: ClassVar[ConfigDict] = _config(**_PROMPT_OR_MESSAGES)
    response: Written
    """What the model wrote."""
    prompt: Words | None = None
    """What it was asked."""
    messages: list[MessageLine] | None = None
    """What it was asked, as a conversation."""
    version: str | None = None
    """The model version that wrote it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentLine:
    """A line of a file of comments: words about a response, or a standing comment when there is no response."""

    __pydantic_config__: ClassVar[ConfigDict] = _config(
        anyOf=[_has("text"), _has("refinement", "response")],
        allOf=[
            {"if": _has("response"), "then": _PROMPT_OR_MESSAGES},
            *(
                {"if": _has(name), "then": _has("response")}
                for name in ("prompt", "messages", "spans", "version", "refinement")
            ),
        ],
    )
    text: str | None = None
    """What is wrong, or what should be written. May be missing only where the line gives nothing but a refinement."""
    prompt: Words | None = None
    """What the model was asked."""
    messages: list[MessageLine] | None = None
    """What the model was asked, as a conversation."""
    response: Written | None = None
    """What the model wrote."""
    version: str | None = None
    """The model version that wrote the response."""
    spans: list[SpanLine] | None = None
    """Where in the response."""
    refinement: BetterOnes | None = None
    """A better response that addresses this comment, or several."""
    id: Id | None = None
    """A name of your own; without it the record is named by its content."""
    kind: Kind | None = None
    """`fix` (the default), `keep`, `question` or `concern`."""
    polarity: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = None
    """From -1 (bad) to 1 (good); unknown when missing, never guessed."""
    severity: Severity | None = None
    """How much it matters: `minor`, `major` or `critical`; unsaid when missing."""
    reach: Reach | None = None
    """`this` response, this `kind` of prompt, or `always`; derived from the rest when missing."""
    scope_text: str | None = None
    """Where the comment applies, in words."""
    check: CheckLine | None = None
    """What can be counted of it."""
    probes: Probes | None = None
    """Prompts on which its take is counted."""
    supersedes: list[Id] | None = None
    """Ids of earlier comments that this one replaces."""
    author: str | None = None
    """Who said it."""
    source: Source | None = None
    """A person (the default), a model or a tool."""
    created: str | None = None
    """When, as ISO 8601 with its zone."""
    status: Status | None = None
    """`open` (the default), `superseded` or `withdrawn`."""


SHAPES: dict[str, type[Any]] = {"comments": CommentLine, "prompts": PromptLine, "responses": ResponseLine}
_NESTED: dict[str, tuple[type[Any], ...]] = {
    "messages": (MessageLine,),
    "prompt": (PromptLine,),
    "spans": (SpanLine,),
    "check": (CheckLine,),
    "response": (NamedTextLine,),
    "refinement": (RefinementLine,),
    "probes": (ProbesLine, ScopedPromptLine),
    "in": (PromptLine,),
    "near": (PromptLine,),
    "out": (PromptLine,),
}


def shaped(shape: type[Shape], value: Mapping[str, Any]) -> tuple[Shape | None, list[RecordError]]:
    """Return the line a JSON object is, or everything that is wrong with its keys and types."""
    try:
        return _adapter(cast("Hashable", shape)).validate_json(json.dumps(value)), []
    except ValidationError as error:
        return None, [_problem(shape, detail) for detail in error.errors(include_url=False)]


def schema(name: Literal["comments", "prompts", "responses"]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line of a file of comments, prompts or responses."""
    found = _adapter(cast("Hashable", SHAPES[name])).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


@cache
def _adapter(shape: type[Shape]) -> TypeAdapter[Shape]:
    return TypeAdapter(shape)


def _problem(shape: type[Any], detail: ErrorDetails) -> RecordError:
    place = [part for part in detail["loc"] if not str(part).startswith("<")]
    field = _path(place)
    if detail["type"] == "missing":
        return RecordError("{field}: missing; expected {expected}", field=field, expected=_("a value"))
    if detail["type"] == "unexpected_keyword_argument":
        return _unknown(shape, place, field)
    return wrong(field, detail["input"], _expected(detail))


def _unknown(shape: type[Any], place: Sequence[int | str], field: str) -> RecordError:
    parents = [part for part in place[:-1] if isinstance(part, str)]
    shapes = _NESTED[parents[-1]] if parents else (shape,)
    known = sorted({"in" if item.name == "inside" else item.name for part in shapes for item in dataclasses.fields(part)})
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    if near:
        return RecordError("{field}: unknown key; did you mean {near!r}?", field=field, near=near[0])
    return RecordError("{field}: unknown key; expected one of {known}", field=field, known=", ".join(known))


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "string_type":
            return _("text")
        case "string_too_short" | "string_too_long":
            return _("1 to {most} characters").format(most=MAX_ID_CHARACTERS)
        case "int_type":
            return _("a whole number")
        case "float_type":
            return _("a number")
        case "less_than_equal" | "greater_than_equal":
            return _("a number from -1 (bad) to 1 (good)")
        case "list_type":
            return _("a list")
        case "dict_type":
            return _("an object")
        case "dataclass_type" | "dataclass_exact_type":
            return _("another type; `sayso schema` shows the format")
        case "literal_error":
            return str(context["expected"])
        case _:
            return str(detail["msg"])


def _path(place: Sequence[int | str]) -> str:
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or _("line")
