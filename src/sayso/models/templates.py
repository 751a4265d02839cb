"""How a model is told comments: pure functions from a prompt, a response and comments to the prompt that tells them.

Comments are told in their own words, one a line: what a person wrote to be understood is the best prompt there is, and a
model that learnt from comments reads here what it read then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sayso.records import Comment, Message, Prompt, Response

Template = Callable[[Prompt, "Response | str | None", Sequence[Comment]], Prompt]


def told(prompt: Prompt, comments: Sequence[Comment]) -> Prompt:
    """Return the prompt with the comments before it, as standing words to the model (a system turn)."""
    if not comments:
        return prompt
    said = _said(comments)
    first, *rest = prompt.messages
    if first.role == "system":
        return _prompt(prompt, Message(role="system", content=f"{first.content}\n\n{said}"), *rest)
    return _prompt(prompt, Message(role="system", content=said), *prompt.messages)


def refine(prompt: Prompt, response: Response | str, comments: Sequence[Comment]) -> Prompt:
    """Return the conversation so far with the comments as the next turn; the answer to it is a refinement."""
    return _prompt(prompt, *prompt.messages, _answer(response), _user(_said(comments)))


def revise(prompt: Prompt, response: Response | str, comments: Sequence[Comment]) -> Prompt:
    """Return what `refine` does, with a plain request for the better answer alone; for chat models that would discuss it."""
    asked = f"{_said(comments)}\n\nAnswer again so that this is put right. Write only the new answer."
    return _prompt(prompt, *prompt.messages, _answer(response), _user(asked))


def hindsight(prompt: Prompt, response: Response | str | None, comments: Sequence[Comment]) -> Prompt:
    """Return what a teacher reads before it scores an answer: the prompt, and what was said of an earlier answer to it.

    With a response (not None) that earlier answer is shown too. Source of the idea: SDPO (arXiv 2601.20802) and
    self-distillation from user interactions (arXiv 2603.12273); the wording is our own.
    """
    *before, last = prompt.messages
    shown = f"An earlier answer to this was:\n{_text(response)}\n\n" if response is not None else ""
    words = f"{last.content}\n\n{shown}Feedback on an earlier answer to this:\n{_said(comments)}"
    return _prompt(prompt, *before, Message(role=last.role, content=words))


def judged(prompt: Prompt, comments: Sequence[Comment]) -> Prompt:
    """Return what asks for an answer of which just this would be said: with blame in view, for one with its faults.

    Source of the idea: CUT (arXiv 2312.14591); the wording is our own.
    """
    *before, last = prompt.messages
    words = f"{last.content}\n\nGive the answer of which this was said:\n{_said(comments)}"
    return _prompt(prompt, *before, Message(role=last.role, content=words))


def expected(prompt: Prompt, comments: Sequence[Comment]) -> Prompt:
    """Return what asks for an answer of which this will be said, in the form of FCP (arXiv 2509.22638).

    The words do not ask for anything: a fault named here is one that the answer has.
    """
    *before, last = prompt.messages
    return _prompt(prompt, *before, Message(role=last.role, content=f"<EF>{_said(comments)}</EF>{last.content}"))


def critique(prompt: Prompt, response: Response | str) -> Prompt:
    """Return the conversation so far with a request for a comment on its last answer; the answer to it is the comment.

    Source of the idea: critique fine-tuning (arXiv 2501.17703); the wording is our own.
    """
    return _prompt(prompt, *prompt.messages, _answer(response), _user(ASKED_FOR_COMMENT))


ASKED_FOR_COMMENT = "What would you say of this answer? Write only the comment."


TEMPLATES: Mapping[str, Template] = {
    "told": lambda prompt, _response, comments: told(prompt, comments),
    "refine": lambda prompt, response, comments: refine(prompt, _known(response), comments),
    "revise": lambda prompt, response, comments: revise(prompt, _known(response), comments),
    "hindsight": hindsight,
    "judged": lambda prompt, _response, comments: judged(prompt, comments),
    "expected": lambda prompt, _response, comments: expected(prompt, comments),
}
"""Names that settings may use; every entry takes a prompt, a response and comments."""


def _said(comments: Sequence[Comment]) -> str:
    return "\n".join(comment.text for comment in comments)


def _text(response: Response | str) -> str:
    return response if isinstance(response, str) else response.text


def _known(response: Response | str | None) -> Response | str:
    assert response is not None, "this template shows the response"
    return response


def _answer(response: Response | str) -> Message:
    return Message(role="assistant", content=_text(response))


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _prompt(prompt: Prompt, *messages: Message) -> Prompt:
    return Prompt(messages=messages, family=prompt.family, split=prompt.split)
