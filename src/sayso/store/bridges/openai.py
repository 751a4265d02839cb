"""The files that hosted fine-tuning takes: chat lines, and preference lines for direct preference optimisation.

The shapes are those of https://developers.openai.com/api/docs/guides/supervised-fine-tuning and
https://developers.openai.com/api/docs/guides/direct-preference-optimization; Azure, Fireworks and Together take the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Prompt, Refinement, Response
from sayso.store.bridges import rows
from sayso.store.bridges.chat import messages_of, split_turns, turns_form
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged, Records, Written
from sayso.store.lines import write_lines
from sayso.store.rules import wrong


def read(path: Path) -> Bridged:
    """Read chat lines (what the assistant says last is a response) or preference lines (the preferred one a refinement)."""
    return bridged(path.name, read_objects(path), _row)


def write_chat(records: Records, path: Path) -> Written:
    """Write every refinement as the last turn of a chat."""
    chosen = rows.better(records)
    lines = [{"messages": turns_form(row.prompt, row.chosen)} for row in chosen.rows]
    return Written(count=write_lines(path, lines), lost=chosen.lost, files=(path,))


def write_preference(records: Records, path: Path) -> Written:
    """Write every refinement as preferred over the response it improves on."""
    pairs = rows.pairs(records)
    lines = [
        {
            "input": {"messages": turns_form(row.prompt), "tools": [], "parallel_tool_calls": True},
            "preferred_output": [_turn(row.chosen)],
            "non_preferred_output": [_turn(row.rejected)],
        }
        for row in pairs.rows
    ]
    return Written(count=write_lines(path, lines), lost=pairs.lost, files=(path,))


def _row(fields: Fields) -> Row:
    if "input" not in fields.value:
        prompt, text = split_turns(messages_of(fields.raw("messages"), "messages"), "messages")
        return Row(responses=[Response(prompt=prompt, text=text)])
    asked = fields.inner("input")
    prompt = Prompt(messages=messages_of(asked.raw("messages"), "input.messages"))
    asked.raw("parallel_tool_calls")
    response = Response(prompt=prompt, text=_answer(fields, "non_preferred_output"))
    better = Refinement(response=response, text=_answer(fields, "preferred_output"))
    return Row(refinements=[better], responses=[response])


def _answer(fields: Fields, name: str) -> str:
    turns = messages_of(fields.raw(name), name)
    if len(turns) != 1 or turns[0].role != "assistant":
        raise wrong(name, [turn.role for turn in turns], _("one message of the assistant"))
    return turns[0].content


def _turn(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}
