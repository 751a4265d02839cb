"""Prompt, Response, Comment, Refinement and what is measured of them: frozen, plain, without input or output.

A record's identity is the hash of its canonical form (`identity`); where a user gives an `id`, that is kept.
Nothing here reads a clock, a file or a random source: times and seeds come in as values.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]
Kind = Literal["fix", "keep", "question", "concern"]
Scope = Literal["in", "near", "out"]
Reach = Literal["this", "kind", "always"]
Severity = Literal["minor", "major", "critical"]
Source = Literal["person", "model", "tool"]
Status = Literal["open", "superseded", "withdrawn"]
Split = Literal["train", "test"]
TakeName = Literal["took", "partly", "not", "spilled", "unmeasured"]
Decision = Literal["promote", "refuse", "unsure"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a model is asked: one or more turns, the last one of them not the model's."""

    messages: tuple[Message, ...]
    id: str = ""
    family: str | None = None
    """Prompts of one family are wordings of one thing; a family is never split between learning and testing."""
    split: Split | None = None

    def __post_init__(self) -> None:
        _name(self, "p", {"messages": self.messages})

    @property
    def text(self) -> str:
        """The last turn's words."""
        return self.messages[-1].content


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What a model wrote to a prompt; with comments it is still a response."""

    prompt: Prompt
    text: str
    version: str = ""
    """The model version that wrote it; empty when unknown."""
    id: str = ""

    def __post_init__(self) -> None:
        _name(self, "r", {"prompt": self.prompt.messages, "text": self.text, "version": self.version})


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of a response: half-open character offsets, and the words themselves so that it survives re-rendering."""

    start: int
    end: int
    quote: str
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A programmatic predicate on a response, by name (`sayso.critics.CHECKS` or `module:function`) and arguments."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A prompt on which a comment's take is counted, and where it stands to the comment's scope."""

    prompt: Prompt
    scope: Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """Words about a response, or, without a response, a standing comment on what a model should write."""

    text: str
    id: str = ""
    response: Response | None = None
    """None: a standing comment."""
    spans: tuple[Span, ...] = ()
    kind: Kind = "fix"
    polarity: float | None = None
    """-1 (bad) to 1 (good); None is unknown, never guessed."""
    severity: Severity | None = None
    """How much it matters; None where nobody said."""
    reach: Reach | None = None
    """`this` response, this `kind` of prompt (see `scope_text`, `probes`), or `always`; None is derived, see `reach_of`."""
    scope_text: str = ""
    check: Check | None = None
    probes: tuple[Probe, ...] = ()
    supersedes: tuple[str, ...] = ()
    author: str = ""
    source: Source = "person"
    created: str = ""
    """ISO 8601 with zone; empty when unknown."""
    status: Status = "open"

    def __post_init__(self) -> None:
        about = self.response.id if self.response else ""
        form = {"text": self.text, "about": about, "spans": self.spans, "kind": self.kind, "scope_text": self.scope_text}
        form |= {"severity": self.severity} if self.severity else {}  # ids given before there were severities stay
        _name(self, "c", {**form, "check": self.check, "author": self.author, "created": self.created})


@dataclass(frozen=True, kw_only=True, slots=True)
class Refinement:
    """A better response to the same prompt, and the comments it claims to address."""

    response: Response
    text: str
    addresses: tuple[str, ...] = ()
    refiner: str = "given"
    source: Source = "person"
    id: str = ""

    def __post_init__(self) -> None:
        _name(self, "f", {"about": self.response.id, "text": self.text, "addresses": self.addresses})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A candidate refinement that was not kept, and why."""

    response: Response
    text: str
    reason: str
    refiner: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """What a method learns from: a response, what was said of it, and the better one where there is one."""

    prompt: Prompt
    response: Response | None = None
    comments: tuple[Comment, ...] = ()
    refinement: Refinement | None = None
    scope: Scope = "in"
    """`near` or `out`: no comment applies here, and the response is the model's own answer, to stay as it is."""

    @property
    def label(self) -> str:
        """Its name in messages: the prompt, and the comments that its refinement addresses, or else those that were said."""
        said = self.refinement.addresses if self.refinement else tuple(comment.id for comment in self.comments)
        return " ".join((self.prompt.id, *said))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How often a check held before and after, on `n` paired probes; `interval` is the 95 % interval of the change."""

    before: float
    after: float
    n: int
    interval: tuple[float, float]

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, kw_only=True, slots=True)
class Take:
    """What became of one comment; None where it was not measured."""

    comment_id: str
    text: str
    take: TakeName
    inside: Rate | None = None
    near: Rate | None = None
    out: Rate | None = None

    @property
    def gain(self) -> float | None:
        """Change of the effect in scope."""
        return self.inside.change if self.inside else None

    @property
    def leak(self) -> float | None:
        """Change of the effect near the scope, where it must not appear."""
        return self.near.change if self.near else None

    @property
    def drift(self) -> float | None:
        """Change of the effect out of scope."""
        return self.out.change if self.out else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the gate's arithmetic."""

    name: str
    estimate: float
    interval: tuple[float, float]
    margin: float
    """What the interval is compared with."""
    passed: bool | None
    """None: the interval does not decide it."""
    n: int
    sentence: str
    """In English; `template` and `fields` say it in other languages."""
    template: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Promote, refuse or unsure, with the reason in one sentence and the findings it rests on."""

    verdict: Decision
    reason: str
    findings: tuple[Finding, ...] = ()
    needed: int = 0
    """How many more probes would decide an `unsure`; 0 otherwise."""
    template: str = ""
    """Of the reason, which is in English; see `sayso.evaluation.gate.say`."""
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A model in the registry: the base model, a full Hugging Face folder, or an adapter on its base."""

    id: str
    path: str
    """A folder relative to the workspace, an absolute folder, or a Hugging Face id."""
    form: Literal["base", "full", "adapter"]
    base: str = ""
    """What an adapter is loaded onto: a path or id as above; empty otherwise."""
    parent: str = ""
    """The version training started from."""
    run: str = ""
    sha256: str = ""
    """Of the weight file; empty for a base model."""
    created: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One training: which method, on what, with which settings, and where its folder is."""

    id: str
    method: str
    parent: str
    """The version training started from."""
    folder: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    comments: tuple[str, ...] = ()
    """The ids of the comments it learnt from."""
    steps: int = 0
    seconds: float = 0.0
    created: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One probe of one comment, answered before and after: the text and whether the check held."""

    comment_id: str
    scope: Scope
    prompt: Prompt
    before: str
    after: str
    held_before: bool
    held_after: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Heldout:
    """Loss in nats a token on held-out text, before and after, and the guards on length and copying."""

    loss_before: float
    loss_after: float
    tokens: int
    length_ratio: float = 1.0
    """Mean words of the answers out of scope, after over before."""
    copying: float = 0.0
    """Share of answers after training that repeat five words or more of a comment in a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retained:
    """What is left of a comment that was learnt before the last training."""

    comment_id: str
    text: str
    version: str
    """The version after which it was last learnt."""
    rate: Rate
    """In scope: how often its check held then, and how often it holds now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What was measured of a candidate against a champion, and the gate's verdict."""

    id: str
    champion: str
    candidate: str
    takes: tuple[Take, ...]
    outcomes: tuple[Outcome, ...] = ()
    heldout: Heldout | None = None
    verdict: Verdict | None = None
    retained: tuple[Retained, ...] = ()
    """Comments learnt earlier, and not in the last training."""
    created: str = ""


def reach_of(comment: Comment) -> Reach:
    """Return how far a comment reaches: as said, else `kind` with a scope, `this` with a response, else `always`."""
    if comment.reach is not None:
        return comment.reach
    if comment.scope_text or any(probe.scope != "in" for probe in comment.probes):
        return "kind"
    return "this" if comment.response is not None else "always"


def praises(comment: Comment) -> bool:
    """Return whether a comment says that something is good: `keep`, or a polarity above 0."""
    return comment.kind == "keep" or (comment.polarity or 0.0) > 0


def finds_fault(comment: Comment) -> bool:
    """Return whether a comment says that something is wrong: `fix` or `concern`, or a polarity below 0, and no praise."""
    return not praises(comment) and (comment.kind in ("fix", "concern") or (comment.polarity or 0.0) < 0)


def spans_of(example: Example) -> tuple[Span, ...]:
    """Return the spans that the comments of an example point at in its response; those made for other words are left out."""
    response = example.response
    if response is None:
        return ()
    about = [item for item in example.comments if item.response is None or item.response.text == response.text]
    return tuple(span for item in about for span in item.spans if response.text[span.start : span.end] == span.quote)


def identity(form: Any) -> str:
    """Return the hash of a value's canonical form: 16 hexadecimal digits of SHA-256 over sorted JSON."""
    text = json.dumps(plain(form), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Return a record as plain JSON values: dictionaries, lists, strings, numbers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def ask(text: str, *, family: str | None = None, split: Split | None = None) -> Prompt:
    """Return the prompt of a single user turn."""
    return Prompt(messages=(Message(role="user", content=text),), family=family, split=split)


def _name(record: Any, letter: str, form: Mapping[str, Any]) -> None:
    if not record.id:
        object.__setattr__(record, "id", f"{letter}-{identity(form)}")
