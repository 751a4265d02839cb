"""Hugging Face TRL's dataset types: prompt-only, prompt-completion, preference, unpaired, stepwise, language modelling.

Each in its standard form (texts) and its conversational form (messages); the columns are those of
https://huggingface.co/docs/trl/dataset_formats. A preference becomes the response that was rejected and, as its
refinement, the one that was chosen; there are no words in it. A stepwise row becomes the steps, one a line, with a
comment on each step that is marked wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Prompt, Refinement, Response, Span, ask
from sayso.store.bridges import rows
from sayso.store.bridges.chat import asked, message_of, messages_of, split_turns, turns_form
from sayso.store.bridges.fields import Fields, missing
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged, Records, Written
from sayso.store.lines import write_lines
from sayso.store.rules import wrong

STEP = "This step is wrong."
"""The words of a comment on a step that is marked wrong; the mark says no more."""


def read(path: Path) -> Bridged:
    """Read a JSON or JSONL file of any of TRL's types; the type is told by the columns of each row."""
    return bridged(path.name, read_objects(path), _row)


def write_sft(records: Records, path: Path) -> Written:
    """Write every refinement as prompt and completion, in messages, for TRL's SFTTrainer."""
    chosen = rows.better(records)
    lines = [{"prompt": turns_form(row.prompt), "completion": _turn(row.chosen)} for row in chosen.rows]
    return Written(count=write_lines(path, lines), lost=chosen.lost, files=(path,))


def write_preference(records: Records, path: Path) -> Written:
    """Write every refinement as chosen over the response it improves on, in messages, for TRL's DPOTrainer."""
    pairs = rows.pairs(records)
    lines = [
        {"prompt": turns_form(row.prompt), "chosen": _turn(row.chosen), "rejected": _turn(row.rejected)}
        for row in pairs.rows
    ]
    return Written(count=write_lines(path, lines), lost=pairs.lost, files=(path,))


def write_kto(records: Records, path: Path) -> Written:
    """Write refinements and praised responses as wanted, criticised responses as unwanted, for TRL's KTOTrainer."""
    marked = rows.marked(records)
    lines = [{"prompt": turns_form(row.prompt), "completion": _turn(row.text), "label": row.good} for row in marked.rows]
    return Written(count=write_lines(path, lines), lost=marked.lost, files=(path,))


def write_sft_texts(records: Records, path: Path) -> Written:
    """Write as `write_sft` does, in texts; a conversation of several turns has no such form."""
    chosen = rows.single_turns(rows.better(records))
    lines = [{"prompt": row.prompt.text, "completion": row.chosen} for row in chosen.rows]
    return Written(count=write_lines(path, lines), lost=chosen.lost, files=(path,))


def write_preference_texts(records: Records, path: Path) -> Written:
    """Write as `write_preference` does, in texts; a conversation of several turns has no such form."""
    pairs = rows.single_turns(rows.pairs(records))
    lines = [{"prompt": row.prompt.text, "chosen": row.chosen, "rejected": row.rejected} for row in pairs.rows]
    return Written(count=write_lines(path, lines), lost=pairs.lost, files=(path,))


def write_kto_texts(records: Records, path: Path) -> Written:
    """Write as `write_kto` does, in texts; a conversation of several turns has no such form."""
    marked = rows.single_turns(rows.marked(records))
    lines = [{"prompt": row.prompt.text, "completion": row.text, "label": row.good} for row in marked.rows]
    return Written(count=write_lines(path, lines), lost=marked.lost, files=(path,))


def write_prompts(records: Records, path: Path) -> Written:
    """Write the prompts that may be learnt from, in messages, for TRL's online trainers."""
    found = rows.learnable_prompts(records)
    return Written(
        count=write_lines(path, [{"prompt": turns_form(prompt)} for prompt in found.rows]), lost=found.lost, files=(path,)
    )


def write_privileged(records: Records, path: Path) -> Written:
    """Write each prompt with the words said of its responses, as `privileged_context`, for TRL's SDFT and SDPO trainers."""
    told = rows.told(records)
    lines = [{"prompt": turns_form(row.prompt), "privileged_context": row.words} for row in told.rows]
    return Written(count=write_lines(path, lines), lost=told.lost, files=(path,))


def _row(fields: Fields) -> Row:
    if "chosen" in fields.value or "rejected" in fields.value:
        return _preference(fields)
    if "completions" in fields.value:
        return _stepwise(fields)
    if "completion" in fields.value:
        return _completion(fields)
    if "messages" in fields.value:
        prompt, text = split_turns(messages_of(fields.raw("messages"), "messages"), "messages")
        return Row(responses=[Response(prompt=prompt, text=text)])
    if "prompt" in fields.value:
        return Row(prompts=[_prompt(fields)])
    raise missing("prompt", _("the columns of one of TRL's types, such as prompt, chosen and rejected"))


def _preference(fields: Fields) -> Row:
    chosen, rejected = (_given(fields, name) for name in ("chosen", "rejected"))
    if fields.value.get("prompt") is not None:
        prompt = _prompt(fields)
    else:
        prompt, chosen, rejected = _implicit(chosen, rejected)
    better, worse = _answer(chosen, "chosen"), _answer(rejected, "rejected")
    response = Response(prompt=prompt, text=worse)
    return Row(refinements=[Refinement(response=response, text=better)], responses=[response])


def _implicit(chosen: Any, rejected: Any) -> tuple[Prompt, Any, Any]:
    """Take the prompt from the beginning that both answers share, as TRL does where there is no column for it."""
    if isinstance(chosen, str) and isinstance(rejected, str):
        pairs = enumerate(zip(chosen, rejected, strict=False))
        count = next((number for number, (one, other) in pairs if one != other), min(len(chosen), len(rejected)))
        shared = chosen[:count].removesuffix(" ")  # the space belongs to the answers
        return ask(shared), chosen[len(shared) :], rejected[len(shared) :]
    turns = [messages_of(value, name) for value, name in ((chosen, "chosen"), (rejected, "rejected"))]
    count = 0
    while count < min(map(len, turns)) and turns[0][count] == turns[1][count]:
        count += 1
    answers = [[{"role": turn.role, "content": turn.content} for turn in part[count:]] for part in turns]
    return Prompt(messages=turns[0][:count]), answers[0], answers[1]


def _completion(fields: Fields) -> Row:
    prompt = _prompt(fields)
    response = Response(prompt=prompt, text=_answer(_given(fields, "completion"), "completion"))
    lost = []
    if fields.flag("label") is not None:
        lost.append(("label", _("a mark without words is no comment")))
    return Row(responses=[response], lost=lost)


def _stepwise(fields: Fields) -> Row:
    steps, labels = fields.texts("completions"), fields.many("labels")
    if len(steps) != len(labels):
        raise wrong("labels", len(labels), _("{n} labels, as many as steps").format(n=len(steps)))
    response = Response(prompt=_prompt(fields), text="\n".join(steps))
    comments, start = [], 0
    for number, (step, label) in enumerate(zip(steps, labels, strict=True)):
        if not isinstance(label, bool):
            raise wrong(f"labels[{number}]", label, _("true or false"))
        if not label and step:
            span = Span(start=start, end=start + len(step), quote=step)
            comments.append(Comment(text=STEP, response=response, spans=(span,), polarity=-1, source="tool"))
        start += len(step) + 1
    return Row(comments=comments, responses=[response])


def _prompt(fields: Fields) -> Prompt:
    return asked(_given(fields, "prompt"), fields.name("prompt"))


def _given(fields: Fields, name: str) -> Any:
    value = fields.raw(name)
    if value is None:
        raise missing(fields.name(name), _("text or a list of messages"))
    return value


def _answer(value: Any, field: str) -> str:
    """Return the text of an answer; of a list, the one message of the assistant that stands in it."""
    if isinstance(value, str):
        return value
    turns = [message_of(value, field)] if isinstance(value, Mapping) else list(messages_of(value, field))
    if len(turns) != 1 or turns[0].role != "assistant":
        raise wrong(field, [turn.role for turn in turns], _("one message of the assistant"))
    return turns[0].content


def _turn(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
