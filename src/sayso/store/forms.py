"""Lines of files become records, and records become lines that read back to equal records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import (
    Check,
    Comment,
    Message,
    Probe,
    Prompt,
    Refinement,
    Response,
    Scope,
    Span,
    plain,
)
from sayso.store.anchors import anchored
from sayso.store.wire import (
    CommentLine,
    MessageLine,
    NamedTextLine,
    ProbesLine,
    PromptLine,
    RefinementLine,
    ResponseLine,
)

SCOPES: tuple[Scope, ...] = ("in", "near", "out")
_REFINEMENT_ALONE = {"prompt", "messages", "response", "version", "refinement"}


def prompt_of(line: PromptLine, field: str = "prompt") -> Prompt:
    """Return the prompt a line gives; RecordError unless it has either `prompt` or `messages`."""
    return Prompt(
        messages=_messages(line.prompt, line.messages, field), id=line.id or "", family=line.family, split=line.split
    )


def response_of(line: ResponseLine | CommentLine) -> Response:
    """Return the response a line gives, with its prompt."""
    if line.response is None:
        raise RecordError("{field}: missing; expected {expected}", field="response", expected=_("what the model wrote"))
    if isinstance(line.prompt, PromptLine):
        if line.messages is not None:
            raise _both("messages")
        prompt = prompt_of(line.prompt)
    else:
        prompt = Prompt(messages=_messages(line.prompt, line.messages, "prompt"))
    named = line.response if isinstance(line.response, NamedTextLine) else NamedTextLine(text=line.response)
    return Response(prompt=prompt, text=named.text, version=line.version or "", id=named.id or "")


def records_of(line: CommentLine) -> tuple[Comment | None, tuple[Refinement, ...]]:
    """Return the comment a line gives, and the refinements that stand with it; without `text`, the refinements alone."""
    if line.text is None:
        given = {name for name, value in plain(line).items() if value is not None}
        if line.refinement is None or given - _REFINEMENT_ALONE:
            expected = _("words: what is wrong, or what should be written")
            raise RecordError("{field}: missing; expected {expected}", field="text", expected=expected)
        return None, tuple(_refinements(line, response_of(line), ()))
    about = any(item is not None for item in (line.response, line.prompt, line.messages, line.version, line.spans))
    response = response_of(line) if about or line.refinement is not None else None
    comment = _comment(line, line.text, response)
    return comment, () if response is None else tuple(_refinements(line, response, (comment.id,)))


def prompt_line(prompt: Prompt) -> dict[str, Any]:
    """Return the line of a prompt."""
    line = _asked(prompt)
    derived = Prompt(messages=prompt.messages).id
    rest = {"id": prompt.id if prompt.id != derived else None, "family": prompt.family, "split": prompt.split}
    return line | _given(rest)


def response_line(response: Response) -> dict[str, Any]:
    """Return the line of a response."""
    prompt = prompt_line(response.prompt)
    line = prompt if len(prompt) == 1 else {"prompt": prompt}
    derived = Response(prompt=response.prompt, text=response.text, version=response.version).id
    named: Any = response.text if response.id == derived else {"text": response.text, "id": response.id}
    return line | {"response": named} | ({"version": response.version} if response.version else {})


def comment_line(comment: Comment, refinements: Sequence[Refinement] = ()) -> dict[str, Any]:
    """Return the line of a comment, with the refinements that stand with it (of the same response)."""
    about = response_line(comment.response) if comment.response else {}
    better = [_refinement_form(item, (comment.id,)) for item in refinements]
    rest = {
        "spans": [_given(plain(span)) for span in comment.spans],
        "refinement": better[0] if len(better) == 1 else better,
        "scope_text": comment.scope_text,
        "check": {"name": comment.check.name, "args": plain(comment.check.args)} if comment.check else None,
        "probes": _probes_form(comment.probes),
        "supersedes": list(comment.supersedes),
        "author": comment.author,
        "created": comment.created,
    }
    steady = {
        "kind": comment.kind,
        "polarity": comment.polarity,
        "severity": comment.severity,
        "reach": comment.reach,
        "source": comment.source,
        "status": comment.status,
    }
    return (
        {"id": comment.id, "text": comment.text} | about | _given(rest) | {k: v for k, v in steady.items() if v is not None}
    )


def refinement_line(refinement: Refinement) -> dict[str, Any]:
    """Return the line of a refinement that stands alone."""
    return response_line(refinement.response) | {"refinement": _refinement_form(refinement, ())}


def _comment(line: CommentLine, text: str, response: Response | None) -> Comment:
    spans = () if response is None else tuple(_spans(line, response.text))
    return Comment(
        text=text,
        id=line.id or "",
        response=response,
        spans=spans,
        kind=line.kind or "fix",
        polarity=line.polarity,
        severity=line.severity,
        reach=line.reach,
        scope_text=line.scope_text or "",
        check=Check(name=line.check.name, args=line.check.args or {}) if line.check else None,
        probes=tuple(_probes(line)),
        supersedes=tuple(line.supersedes or ()),
        author=line.author or "",
        source=line.source or "person",
        created=line.created or "",
        status=line.status or "open",
    )


def _spans(line: CommentLine, text: str) -> Iterator[Span]:
    for number, span in enumerate(line.spans or ()):
        yield anchored(text, span, f"spans[{number}]")


def _probes(line: CommentLine) -> Iterator[Probe]:
    if isinstance(line.probes, ProbesLine):
        for scope, group in zip(SCOPES, (line.probes.inside, line.probes.near, line.probes.out), strict=True):
            for number, words in enumerate(group or ()):
                yield Probe(prompt=_words(words, f"probes.{scope}[{number}]"), scope=scope)
    else:
        for number, item in enumerate(line.probes or ()):
            yield Probe(prompt=_words(item.prompt, f"probes[{number}].prompt"), scope=item.scope)


def _words(words: str | PromptLine, field: str) -> Prompt:
    return prompt_of(PromptLine(prompt=words) if isinstance(words, str) else words, field)


def _messages(prompt: str | PromptLine | None, messages: Sequence[MessageLine] | None, field: str) -> tuple[Message, ...]:
    if prompt is not None and messages is not None:
        raise _both(field)
    if messages is not None:
        return tuple(Message(role=item.role, content=item.content) for item in messages)
    if prompt is None:
        expected = _("`prompt` or `messages`, what the model was asked")
        raise RecordError("{field}: missing; expected {expected}", field=field, expected=expected)
    return (Message(role="user", content=str(prompt)),)


def _both(field: str) -> RecordError:
    return RecordError("{field}: found both `prompt` and `messages`, expected one of them", field=field)


def _refinements(line: CommentLine, response: Response, addresses: tuple[str, ...]) -> Iterator[Refinement]:
    found = line.refinement
    items = [] if found is None else found if isinstance(found, list) else [found]
    for item in items:
        form = RefinementLine(text=item) if isinstance(item, str) else item
        yield Refinement(
            response=response,
            text=form.text,
            addresses=addresses if form.addresses is None else tuple(form.addresses),
            refiner="given" if form.refiner is None else form.refiner,
            source=form.source or "person",
            id=form.id or "",
        )


def _refinement_form(refinement: Refinement, addresses: tuple[str, ...]) -> Any:
    derived = Refinement(response=refinement.response, text=refinement.text, addresses=refinement.addresses).id
    form: dict[str, Any] = {"text": refinement.text}
    if refinement.id != derived:
        form["id"] = refinement.id
    if refinement.addresses != addresses:
        form["addresses"] = list(refinement.addresses)
    if refinement.refiner != "given":
        form["refiner"] = refinement.refiner
    if refinement.source != "person":
        form["source"] = refinement.source
    return form if len(form) > 1 else refinement.text


def _probes_form(probes: Sequence[Probe]) -> Any:
    order = [SCOPES.index(probe.scope) for probe in probes]
    if order != sorted(order):
        return [{"scope": probe.scope, "prompt": _probe_form(probe)} for probe in probes]
    return _given({scope: [_probe_form(probe) for probe in probes if probe.scope == scope] for scope in SCOPES})


def _probe_form(probe: Probe) -> Any:
    line = prompt_line(probe.prompt)
    return line["prompt"] if list(line) == ["prompt"] else line


def _asked(prompt: Prompt) -> dict[str, Any]:
    if len(prompt.messages) == 1 and prompt.messages[0].role == "user":
        return {"prompt": prompt.messages[0].content}
    return {"messages": [plain(message) for message in prompt.messages]}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Drop what is empty (but keep 0, which is a place in a text)."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
