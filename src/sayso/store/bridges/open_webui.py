"""Open WebUI's feedback history: ratings of answers with reasons and comments, each with a snapshot of its chat.

Reads the JSON that Admin Panel, Evaluations, Feedbacks, Export gives (https://docs.openwebui.com/features/evaluation). The
comment, or where there is none the reason, is a comment; a thumb is how good the response was found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.records import Comment, Message, Prompt, Response
from sayso.store.bridges.chat import kind_by, message_of
from sayso.store.bridges.fields import Fields, missing
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.bridges.times import moment
from sayso.store.rules import wrong


def read(path: Path) -> Bridged:
    """Read an export of the feedback history."""
    return bridged(path.name, read_objects(path, under=("feedbacks", "data")), _row)


def _row(fields: Fields) -> Row:
    data, meta = fields.inner("data"), fields.inner("meta")
    message = meta.label("message_id")
    turns = _turns(fields, message)
    response = Response(prompt=Prompt(messages=turns[:-1]), text=turns[-1].content, version=data.label("model_id"))
    row = Row(responses=[response])
    rating = data.number("rating")
    polarity = None if rating is None else max(-1.0, min(1.0, rating))
    words = data.words("comment")
    if words.strip():
        if data.value.get("reason"):
            row.lost.append(("data.reason", _("the words of the comment are taken")))
        data.raw("reason")
    else:
        words = data.words("reason").replace("_", " ")
    if not words.strip():
        row.lost.append(("data.rating", _("a thumb without words is no comment")))
        return row
    row.comments.append(
        Comment(
            text=words, response=response, polarity=polarity, kind=kind_by(polarity), id=f"open-webui-{fields.text('id')}",
            author=fields.label("user_id"), created=moment(fields.raw("created_at"), "created_at"),
        )
    )  # fmt: skip
    return row


def _turns(fields: Fields, message: str) -> tuple[Message, ...]:
    """Return the conversation up to the message that was rated, following its parents."""
    snapshot = fields.raw("snapshot")
    found = _messages(snapshot)
    if found is None:
        raise missing("snapshot.chat", _("the chat with its messages; export the feedback with its snapshots"))
    if message not in found:
        raise wrong("meta.message_id", message, _("the id of a message in the snapshot"))
    turns: list[Message] = []
    place: Any = message
    while isinstance(place, str) and place in found and len(turns) <= len(found):
        turns.append(message_of(found[place], f"snapshot.chat.{place}"))
        place = found[place].get("parentId")
    if len(turns) > len(found) or len(turns) < 2 or turns[0].role != "assistant":
        raise wrong("meta.message_id", message, _("an answer with a question before it"))
    return tuple(reversed(turns))


def _messages(snapshot: Any) -> dict[str, Any] | None:
    """Return the messages of a snapshot by their ids, wherever in it the history stands."""
    while isinstance(snapshot, dict):
        history = snapshot.get("history")
        if isinstance(history, dict) and isinstance(history.get("messages"), dict | list):
            messages = history["messages"]
            items = messages.values() if isinstance(messages, dict) else messages
            known = {str(item["id"]): item for item in items if isinstance(item, dict) and "id" in item}
            if isinstance(messages, dict):
                known |= {str(name): item for name, item in messages.items() if isinstance(item, dict)}
            return known
        snapshot = snapshot.get("chat")
    return None
