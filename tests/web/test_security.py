"""Who is let in, and what is refused: no token, another's, a forged origin or host, script, paths, huge bodies."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from sayso.store import people
from sayso.store.database import Store
from sayso.web import app, security

SAY = "/api/responses/r-chat/comments"
FORM = {"key": "k", "text": "Too short."}


def paths(client: TestClient) -> list[tuple[str, str]]:
    found = client.get("/api/openapi.json").json()["paths"]
    return [
        (method.upper(), path.replace("{", "").replace("}", "")) for path, methods in found.items() for method in methods
    ]


def test_without_a_token_every_path_of_the_api_answers_401(stranger: TestClient, lead: TestClient) -> None:
    asked = paths(lead)
    assert len(asked) > 30
    unknown = [
        ("GET", path) for path in ("/api", "/api/", "/api/openapi.json", "/api/nowhere", "/api/docs", "/api/../api/me")
    ]
    for method, path in [*asked, *unknown, ("POST", "/api/import"), ("OPTIONS", "/api/me"), ("HEAD", "/api/queue")]:
        assert stranger.request(method, path).status_code == 401, (method, path)


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Bearer", "Basic bGluOng=", "wrong", "Bearer \u00e9"])
def test_a_wrong_token_is_nobody_s(stranger: TestClient, header: str) -> None:
    assert stranger.get("/api/me", headers={"authorization": header.encode("latin-1")}).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["sayso_session=wrong", "sayso_session=", "sayso_session=a; sayso_session=b", "=;=;;", '"']
)
def test_a_wrong_cookie_is_nobody_s(stranger: TestClient, cookie: str) -> None:
    assert stranger.get("/api/me", headers={"cookie": cookie}).status_code == 401


def test_a_token_works_as_a_bearer_s_without_the_page_s_header(store: Store, stranger: TestClient) -> None:
    token = people.issue_token(store, "session", people.ensure_reviewer(store, "Bot", "reviewer").id)
    bearer = {"authorization": f"Bearer {token}"}
    assert stranger.post(SAY, json=FORM, headers=bearer).status_code == 201


def test_an_invitation_is_no_session(lead: TestClient, stranger: TestClient) -> None:
    link = lead.post("/api/invitations", json={"name": "Zoe", "role": "lead"}).json()["link"]
    token = parse_qs(urlsplit(link).query)["invitation"][0]
    assert stranger.get("/api/me", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert stranger.get(f"/?token={token}").status_code == 401


def test_a_session_ends_with_its_days_its_revocation_and_its_person(
    store: Store, mei: TestClient, lead: TestClient, client_for: Callable[[str, people.ReviewerRole], TestClient]
) -> None:
    assert mei.delete("/api/session").status_code == 204
    assert mei.get("/api/me").status_code == 401
    ann = client_for("Ann", "reviewer")
    who = ann.get("/api/me").json()["id"]
    assert lead.post(f"/api/reviewers/{who}/deactivate").status_code == 204
    assert ann.get("/api/me").status_code == 401


def test_a_session_expires(store: Store, mei: TestClient, clock: Callable[[], str]) -> None:
    assert mei.get("/api/me").status_code == 200
    clock.now += timedelta(days=31)  # type: ignore[attr-defined]
    assert mei.get("/api/me").status_code == 401


def test_a_reviewer_cannot_do_what_only_a_lead_may(mei: TestClient) -> None:
    for method, path, form in (
        ("POST", "/api/invitations", {"name": "Z", "role": "lead"}),
        ("POST", "/api/assignments", {"reviewer_ids": ["v"], "count": 1}),
        ("GET", "/api/adjudication", None),
        ("POST", "/api/adjudication/r-2", {"verdict": "good"}),
        ("PUT", "/api/guideline", {"text": "x", "seq": 0}),
        ("POST", "/api/reviewers/v/deactivate", None),
        ("POST", "/api/reviewers/v/invitations", None),
    ):
        assert mei.request(method, path, json=form).status_code == 403, path
    assert mei.get("/adjudicate").status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1.evil.example", "http://[", "file://"],
)
def test_a_forged_origin_is_refused(mei: TestClient, origin: str) -> None:
    assert mei.post(SAY, json=FORM, headers={"origin": origin}).status_code == 403
    assert mei.get("/api/comments").json()["items"] == []


def test_our_own_origin_is_welcome(mei: TestClient) -> None:
    assert mei.post(SAY, json=FORM, headers={"origin": "http://127.0.0.1"}).status_code == 201


@pytest.mark.parametrize("header", [None, "", "0" * 64, "é"])
def test_a_change_without_the_page_s_own_header_is_refused(mei: TestClient, header: str | None) -> None:
    del mei.headers[security.CSRF_HEADER]
    headers = {} if header is None else {security.CSRF_HEADER: header.encode("latin-1")}
    for method, path in [("POST", SAY), ("PUT", "/api/me"), ("DELETE", "/api/session"), ("PATCH", "/api/comments/c")]:
        assert mei.request(method, path, json=FORM, headers=headers).status_code == 403
    assert mei.get("/api/me").status_code == 200


def test_another_session_s_page_header_is_refused(mei: TestClient, ann: TestClient) -> None:
    forged = {security.CSRF_HEADER: ann.headers[security.CSRF_HEADER]}
    assert mei.post(SAY, json=FORM, headers=forged).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.2", "[", "a]b["])
def test_a_forged_host_is_refused_before_anything_is_answered(mei: TestClient, host: str) -> None:
    for path in ("/", "/api/me", "/static/x/favicon.svg", "/join"):
        assert mei.get(path, headers={"host": host}).status_code == 421, path


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8123", "localhost:8123", "LOCALHOST", "[::1]:8123"])
def test_this_machine_s_own_names_are_answered(mei: TestClient, host: str) -> None:
    assert mei.get("/api/me", headers={"host": host}).status_code == 200


def test_a_name_that_was_agreed_on_is_answered(store: Store) -> None:
    place = app.Place(host="0.0.0.0", names=("review.example.org",))
    with TestClient(app.make(store, place), base_url="http://review.example.org") as client:
        assert client.get("/").status_code == 401
        assert client.get("/", headers={"host": "other.example.org"}).status_code == 421


def test_script_in_a_comment_stays_text(mei: TestClient) -> None:
    text = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    assert mei.post(SAY, json={"key": "k", "text": text}).status_code == 201
    page = mei.get("/?response=r-chat").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "alert(1)" in page  # it is there, as data
    assert mei.get("/api/responses/r-chat").json()["comments"][0]["text"] == text


def test_script_in_a_name_or_a_guideline_stays_text(lead: TestClient, stranger: TestClient) -> None:
    link = lead.post("/api/invitations", json={"name": "<script>x</script>", "role": "reviewer"}).json()["link"]
    assert "<script>x" not in stranger.get(link.removeprefix("http://127.0.0.1")).text
    made = lead.put("/api/guideline", json={"text": "<script>x</script>", "seq": 0}).json()
    assert "<script>" not in made["html"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../app.py",
        "/static/x/%2e%2e/app.py",
        "/static/x/..%2f..%2fapp.py",
        "/static/x//etc/passwd",
        "/static/x/%00",
        "/static/../app.py",
        "/static/x/css",
        "/static/x/",
    ],
)
def test_no_path_leads_out_of_the_files_of_the_page(mei: TestClient, path: str) -> None:
    assert mei.get(path).status_code in (400, 404)


def test_the_api_takes_no_path_of_a_file_anywhere(lead: TestClient) -> None:
    described = lead.get("/api/openapi.json").text
    assert re.findall(r'"(?:path|file|filename|folder|directory|url)"\s*:\s*\{', described) == []
    assert lead.post("/api/import", json={"path": "/etc/passwd"}).status_code in (404, 405)


def test_a_huge_body_is_refused_whether_it_says_so_or_not(mei: TestClient) -> None:
    most = security.MAX_BODY_BYTES
    assert mei.put("/api/responses/r-2/draft", json={"body": {"text": "x" * most}}).status_code == 413
    assert mei.post(SAY, content=iter([b"x" * 1024] * 2048)).status_code == 413
    assert mei.post("/join", content=iter([b"x" * 1024] * 2048)).status_code == 413
    assert mei.post(SAY, headers={"content-length": "-1"}, content=b"{}").status_code == 413
    assert mei.put("/api/responses/r-2/draft", json={"body": {"text": "x" * (most // 2)}}).status_code == 204


def test_the_owner_s_token_leaves_the_address_at_once(store: Store, stranger: TestClient) -> None:
    token = people.issue_token(store, "owner", people.ensure_reviewer(store, "Lin", "lead").id)
    answer = stranger.get(f"/?token={token}&lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=zh")
    cookie = answer.headers["set-cookie"]
    assert token not in cookie
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert stranger.get("/").status_code == 200


def test_only_hashes_of_tokens_are_stored(store: Store, tmp_path: Path, lead: TestClient, stranger: TestClient) -> None:
    token = people.issue_token(store, "owner", people.ensure_reviewer(store, "Lin", "lead").id)
    stranger.get(f"/?token={token}")
    link = lead.post("/api/invitations", json={"name": "Zoe", "role": "reviewer"}).json()["link"]
    secrets = [token, stranger.cookies[security.COOKIE], parse_qs(urlsplit(link).query)["invitation"][0]]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("sayso.db*"))
    assert b"Zoe" in kept
    assert not any(secret.encode() in kept for secret in secrets)


def test_every_answer_carries_the_headers_that_keep_strangers_out(mei: TestClient, stranger: TestClient) -> None:
    answers = [mei.get(path) for path in ("/", "/api/me", "/api/nowhere", "/nowhere")]
    answers += [stranger.get(path) for path in ("/", "/api/me", "/static/x/favicon.svg")]
    for answer in [*answers, mei.get("/", headers={"host": "evil.example"})]:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers
    assert mei.get("/api/me").headers["cache-control"] == "no-store"


def test_a_bug_of_ours_is_said_without_its_details(store: Store, lead: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_store: Store) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("sayso.store.queue.versions", broken)
    lead._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    answer = lead.get("/api/versions")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
