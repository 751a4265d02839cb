"""Two people and a response, for tests of the review."""

from __future__ import annotations

from sayso.records import Comment, Response, ask
from sayso.store import review
from sayso.store.database import Store
from sayso.store.review import CommentForm, Reviewer

RESPONSE = Response(prompt=ask("我的钥匙丢了", family="keys"), text="我很抱歉。Where did you lose them? 🔑!", version="v1")


def ann(store: Store) -> Reviewer:
    """A lead."""
    return review.ensure_reviewer(store, "Ann", "lead")


def bob(store: Store) -> Reviewer:
    """A reviewer."""
    return review.ensure_reviewer(store, "Bob", "reviewer")


def say(store: Store, person: Reviewer, text: str, response: Response | None = RESPONSE, **rest: object) -> Comment:
    """Have a person comment on a response."""
    if response is not None:
        store.add_responses([response])
    form = CommentForm(text=text, response_id=response.id if response else None, **rest)  # type: ignore[arg-type]
    return review.save_comment(store, person, form)


def answers(*texts: str, version: str = "v1") -> list[Response]:
    """Return responses to prompts of their own."""
    return [Response(prompt=ask(f"prompt of {text}"), text=text, version=version) for text in texts]
