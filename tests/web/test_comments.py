"""Comments over the API: said, said twice, said differently, withdrawn, opened again, found again."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

SAY = "/api/responses/r-chat/comments"


def say(client: TestClient, text: str = "Too short.", key: str = "k1", **more: Any) -> dict[str, Any]:
    answer = client.post(SAY, json={"key": key, "text": text, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_span_counts_characters_as_unicode_does_and_brings_its_words(mei: TestClient) -> None:
    at = "# Hi\n\nThere you are 😀".index("😀")
    found = say(mei, spans=[{"start": at, "end": at + 1}], kind="concern", severity="major")
    assert found["spans"] == [{"start": at, "end": at + 1, "quote": "😀"}]
    assert (found["kind"], found["severity"], found["author"], found["mine"]) == ("concern", "major", "Mei", True)


def test_a_comment_sent_again_under_its_key_is_one_comment(mei: TestClient, ann: TestClient) -> None:
    assert say(mei) == say(mei)
    assert say(ann)["id"] != say(mei)["id"]  # the key is the writer's own
    assert len(mei.get("/api/responses/r-chat").json()["comments"]) == 2


def test_an_edit_supersedes_and_only_changes_what_it_names(mei: TestClient) -> None:
    old = say(mei, severity="minor", spans=[{"start": 0, "end": 4}])
    new = mei.patch(f"/api/comments/{old['id']}", json={"key": "e1", "text": "Far too short."}).json()
    assert (new["text"], new["severity"], new["spans"], new["supersedes"]) == (
        "Far too short.", "minor", old["spans"], [old["id"]],
    )  # fmt: skip
    assert mei.get(f"/api/comments/{old['id']}").json()["status"] == "superseded"


def test_an_edit_of_what_was_edited_meanwhile_is_refused_with_the_newer_one(mei: TestClient) -> None:
    old = say(mei)
    new = mei.patch(f"/api/comments/{old['id']}", json={"key": "e1", "text": "Longer."}).json()
    answer = mei.patch(f"/api/comments/{old['id']}", json={"key": "e2", "text": "Shorter."})
    assert (answer.status_code, answer.json()["error"]["newer"]) == (409, new["id"])


def test_what_was_withdrawn_can_be_opened_again(mei: TestClient) -> None:
    found = say(mei)
    assert mei.post(f"/api/comments/{found['id']}/withdraw", json={"reason": "a slip"}).json()["status"] == "withdrawn"
    assert mei.post(f"/api/comments/{found['id']}/reopen").json()["status"] == "open"


def test_nobody_changes_another_s_comment_but_a_lead(mei: TestClient, ann: TestClient, lead: TestClient) -> None:
    path = f"/api/comments/{say(mei)['id']}"
    assert ann.patch(path, json={"key": "e", "text": "x"}).status_code == 403
    assert ann.post(f"{path}/withdraw", json={}).status_code == 403
    assert lead.post(f"{path}/withdraw", json={"reason": "rude"}).status_code == 200


def test_personal_data_is_shown_to_the_writer_before_it_is_kept(mei: TestClient) -> None:
    text = "Ask Mei (mei@example.com) or 13812345678."
    found = [{"kind": "email", "start": 9, "end": 24}, {"kind": "phone", "start": 29, "end": 40}]
    assert mei.post("/api/comments/private-check", json={"text": text}).json() == {"found": found}
    answer = mei.post(SAY, json={"key": "k", "text": text})
    assert (answer.status_code, answer.json()["error"]["found"]) == (422, found)
    assert mei.get("/api/responses/r-chat").json()["comments"] == []
    assert say(mei, text, confirmed_private=True)["text"] == text


def test_personal_data_is_found_in_an_edit_too(mei: TestClient) -> None:
    path = f"/api/comments/{say(mei)['id']}"
    assert mei.patch(path, json={"key": "e", "scope_text": "letters to mei@example.com"}).status_code == 422
    assert mei.patch(path, json={"key": "e", "text": "to mei@example.com", "confirmed_private": True}).status_code == 200


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"key": "k", "text": "  "}, "text"),
        ({"key": "k", "text": "a\0b"}, "text"),
        ({"key": "k"}, "text"),
        ({"text": "x"}, "key"),
        ({"key": "k", "text": 7}, "text"),
        ({"key": "k", "text": "x", "kind": "praise"}, "kind"),
        ({"key": "k", "text": "x", "severity": "huge"}, "severity"),
        ({"key": "k", "text": "x", "colour": "red"}, "colour"),
        ({"key": "k", "text": "x", "spans": [{"start": -1, "end": 2}]}, "spans.0.start"),
        ({"key": "k", "text": "x", "spans": [{"start": "1", "end": 2}]}, "spans.0.start"),
        ({"key": "k", "text": "x", "spans": [{"start": 3, "end": 3}]}, "spans[0]"),
        ({"key": "k", "text": "x", "spans": [{"start": 0, "end": 9000}]}, "spans[0]"),
        ({"key": "k", "text": "x", "spans": [{"start": 0, "end": 10**30}]}, "spans.0.end"),
    ],
)
def test_a_form_that_is_wrong_is_refused_with_the_field(mei: TestClient, form: dict[str, Any], field: str) -> None:
    answer = mei.post(SAY, json=form)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
    assert mei.get("/api/comments").json()["items"] == []


@pytest.mark.parametrize("body", [b"", b"{", b'"x"', b"[]", b"null", b'{"key": "k", "text": "\\ud800"}', b"\xff\xfe"])
def test_a_body_that_is_no_form_is_refused(mei: TestClient, body: bytes) -> None:
    answer = mei.post(SAY, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


def test_errors_are_said_in_the_reader_s_language(mei: TestClient) -> None:
    assert mei.put("/api/me", json={"language": "zh"}).json()["language"] == "zh"
    messages = [
        mei.get("/api/comments/none").json()["error"]["message"],
        mei.post(SAY, json={"key": "k", "text": ""}).json()["error"]["message"],
        mei.get("/api/nowhere").json()["error"]["message"],
        mei.get("/api/adjudication").json()["error"]["message"],
    ]
    assert all(any("一" <= letter <= "鿿" for letter in message) for message in messages), messages


def test_comments_are_found_by_words_author_and_status(mei: TestClient, ann: TestClient) -> None:
    say(mei, "The greeting is cold.", "a")
    gone = say(ann, "问候太冷淡了。", "b")
    ann.post(f"/api/comments/{gone['id']}/withdraw", json={})
    for question, texts in {
        "search=greeting": ["The greeting is cold."], "search=太冷淡": ["问候太冷淡了。"], "author=Ann": ["问候太冷淡了。"],
        "status=open": ["The greeting is cold."], "limit=1": ["问候太冷淡了。"],
    }.items():  # fmt: skip
        assert [item["text"] for item in mei.get(f"/api/comments?{question}").json()["items"]] == texts, question
    page = mei.get("/api/comments?limit=1").json()
    assert [item["text"] for item in mei.get(f"/api/comments?after={page['next']}").json()["items"]] == [
        "The greeting is cold."
    ]


@pytest.mark.parametrize("after", ["x", "-", "9" * 24, "1:" + "9" * 30, "nan:1", "1e400:1", "1:1:1", "%00"])
def test_a_place_no_page_gave_is_refused(mei: TestClient, after: str) -> None:
    for path in ("/api/comments?", *(f"/api/queue?order={order}&" for order in ("newest", "uncertain", "random"))):
        assert mei.get(f"{path}after={after}").status_code in (400, 422), path


def test_what_is_said_again_and_again_can_be_made_to_stand(mei: TestClient) -> None:
    for number in range(3):
        say(mei, "Say thank you first.", f"k{number}", spans=[{"start": number, "end": 9}])
    (found,) = mei.get("/api/similar?text=say thank you first").json()["items"]
    assert (found["text"], found["n"], len(found["comment_ids"])) == ("Say thank you first.", 3, 3)
    stands = mei.post("/api/standing", json={"text": "Say thank you first.", "scope_text": "letters"}).json()
    assert (stands["response_id"], stands["reach"], stands["scope_text"]) == (None, "kind", "letters")
