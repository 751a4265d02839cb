"""What the browser looks at: seven answers to six prompts, comments that overlap, two better answers."""

from __future__ import annotations

from sayso.records import Comment, Kind, Message, Prompt, Refinement, Response, Severity, Span

LETTER = (
    "Dear Ms. Okafor,\n\n"
    "Thank you for your patience. Your parcel left our warehouse on Tuesday and should reach you by Friday. "
    "If it does not, we will of course refund you — no questions asked! 🎉\n\n"
    "Yours,\nThe Team"
)
TABLE = (
    "Here is a short comparison:\n\n"
    "| City | Days | Cost |\n|---|---:|---:|\n| Lisbon | 3 | 420 € |\n| Porto | 2 | 260 € |\n\n"
    "```python\nfor day in range(5):\n    print(day)\n```\n\nI would **start** in Porto."
)
CHINESE = (
    "亲爱的王女士：\n\n"
    "感谢您的耐心等待。您的包裹已于星期二从仓库发出，预计星期五送达。如果没有收到，我们会为您全额退款。\n\n此致\n敬礼"
)


def records() -> tuple[list[Response], list[Comment], list[Refinement]]:
    """Return the answers, newest last, the comments and the better answers."""
    late = ask("Write a short letter to Ms. Okafor: her parcel is late.", family="letters")
    letter = Response(prompt=late, text=LETTER, version="v2", id="r-letter")
    sober = LETTER.replace("of course refund you", "refund you").replace(" 🎉", "")
    trip = ask("Plan five days in Portugal.", "Do you prefer cities or beaches?", "Cities. Show me a table.", family="trips")
    chinese = ask("给王女士写一封短信：她的包裹迟到了。", family="letters")
    answers = [
        *(thanks(number) for number in range(3)),
        Response(prompt=chinese, text=CHINESE, version="v2", id="r-chinese"),
        Response(prompt=trip, text=TABLE, version="v2", id="r-trip"),
        Response(prompt=late, text=sober, version="v1", id="r-older"),
        letter,
    ]
    emoji = "refund you — no questions asked! 🎉"
    comments = [
        said(letter, "c-refund", "Do not promise what we cannot keep.", "we will of course refund you", "fix"),
        said(letter, "c-emoji", "No emoji to customers.", emoji, "concern", "major"),
        said(letter, "c-warm", "Warm and clear: keep this.", "Thank you for your patience.", "keep"),
    ]
    better = LETTER.replace("we will of course " + emoji, "please write to us and we will help.")
    met = ("c-refund", "c-emoji")
    plain = LETTER.replace(" 🎉", "")
    refinements = [
        Refinement(response=letter, text=better, addresses=met, refiner="rewrite", source="model", id="f-better"),
        Refinement(response=letter, text=plain, addresses=met[1:], refiner="strip-emoji", source="tool", id="f-plain"),
    ]
    return answers, comments, refinements


def ask(*turns: str, family: str | None = None) -> Prompt:
    """Return a prompt of turns that the user and the model take one after the other."""
    messages = (Message(role="assistant" if number % 2 else "user", content=turn) for number, turn in enumerate(turns))
    return Prompt(messages=tuple(messages), family=family)


def thanks(number: int) -> Response:
    prompt = ask(f"Say thanks for gift number {number}.", family="thanks")
    return Response(
        prompt=prompt, text=f"Thank you for gift number {number}! It is lovely.", version="v2", id=f"r-thanks-{number}"
    )


def said(about: Response, name: str, text: str, words: str, kind: Kind, severity: Severity | None = None) -> Comment:
    """Return Bo's comment on some words of an answer."""
    start = about.text.index(words)
    return Comment(
        text=text, response=about, spans=(Span(start=start, end=start + len(words), quote=words),), author="Bo", id=name,
        kind=kind, severity=severity, created="2026-03-02T09:00:00+00:00",
    )  # fmt: skip
