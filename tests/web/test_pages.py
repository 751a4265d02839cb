"""Pages: who sees which, in which language, and how an invitation becomes a session."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from sayso.web import security
from sayso.web.pages import PAGES
from sayso.web.static import FOR_GOOD, Statics


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_drawn_for_a_lead_and_kept_from_strangers(lead: TestClient, stranger: TestClient, path: str) -> None:
    page = lead.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'name="csrf" content="{lead.headers[security.CSRF_HEADER]}"' in page.text
    assert stranger.get(path).status_code == 401


def test_the_first_screen_needs_no_further_question(mei: TestClient) -> None:
    data = data_of(mei.get("/").text)
    assert (data["queue"]["total"], data["detail"]["id"]) == (3, "r-3")
    assert data["versions"][0] == {"version": "v2", "responses": 1}
    assert data_of(mei.get("/?response=r-chat").text)["detail"]["id"] == "r-chat"
    assert data_of(mei.get("/?response=gone").text)["detail"] is None


def test_the_first_answer_stands_in_the_page_as_text(mei: TestClient) -> None:
    page = mei.get("/?response=r-chat").text
    assert 'data-drawing="[]"># Hi\n\nThere you are 😀, &lt;b&gt;friend&lt;/b&gt;.</div>' in page
    assert '<div class="prose"><p><strong>Hello?</strong></p>' in page
    assert 'id="text"' not in mei.get("/?response=gone").text


@pytest.mark.parametrize(
    ("kept", "first"), [("oldest.all", "r-chat"), ("newest.todo", "r-3"), ("worst.all", "r-3"), ("", "r-3")]
)
def test_the_first_screen_is_in_the_order_the_browser_kept(mei: TestClient, kept: str, first: str) -> None:
    data = data_of(
        mei.get("/", headers={"cookie": f"{security.COOKIE}={mei.cookies[security.COOKIE]}; sayso_queue={kept}"}).text
    )
    assert (data["detail"]["id"], f"{data['order']}.{data['state']}" == kept) == (
        first,
        first == "r-chat" or kept == "newest.todo",
    )


def test_a_page_is_drawn_in_the_theme_the_browser_kept(stranger: TestClient) -> None:
    assert 'data-theme="dark"' in stranger.get("/", headers={"cookie": "sayso_theme=dark"}).text
    assert "data-theme" not in stranger.get("/", headers={"cookie": 'sayso_theme="x'}).text


def test_the_language_is_that_of_the_link_then_the_reader_s_then_the_browser_s(mei: TestClient, ann: TestClient) -> None:
    assert '<html lang="en"' in mei.get("/").text
    assert '<html lang="zh' in mei.get("/", headers={"accept-language": "fr, zh-TW;q=0.9, en;q=0.8"}).text
    assert '<html lang="zh' in mei.get("/?lang=zh").text
    assert '<html lang="zh' in mei.get("/team", headers={"accept-language": "en"}).text  # it was remembered
    assert '<html lang="en"' in ann.get("/").text
    assert '<html lang="en"' in ann.get("/?lang=xx").text


def test_an_address_without_a_page_says_so_on_a_page(mei: TestClient) -> None:
    page = mei.get("/nowhere")
    assert (page.status_code, "<html" in page.text) == (404, True)


def test_an_invitation_becomes_a_session_once(lead: TestClient, stranger: TestClient) -> None:
    link = lead.post("/api/invitations", json={"name": "Zoe", "role": "reviewer"}).json()["link"]
    path = f"{urlsplit(link).path}?{urlsplit(link).query}"
    form = stranger.get(path)
    assert (form.status_code, form.headers["referrer-policy"]) == (200, "same-origin")
    assert 'value="Zoe"' in form.text
    assert stranger.get(path).status_code == 200  # looking does not use it up
    given = {"name": "Zoë 张", "invitation": path.partition("=")[2]}
    joined = stranger.post("/join", data=given, headers={"origin": "http://127.0.0.1"})
    assert (joined.status_code, joined.headers["location"]) == (303, "/")
    assert stranger.get("/api/me").json()["name"] == "Zoë 张"
    stranger.cookies.clear()
    assert stranger.post("/join", data=given).status_code == 404
    assert stranger.get(path).status_code == 404


@pytest.mark.parametrize("name", ["Lin", "x" * 81, "a\nb"])
def test_a_name_that_cannot_be_had_can_be_chosen_anew(lead: TestClient, stranger: TestClient, name: str) -> None:
    link = lead.post("/api/invitations", json={"name": "", "role": "reviewer"}).json()["link"]
    invitation = link.partition("invitation=")[2]
    refused = stranger.post("/join", data={"name": name, "invitation": invitation})
    assert (refused.status_code, security.COOKIE in stranger.cookies) == (422, False)
    assert stranger.post("/join", data={"name": "Zoe", "invitation": invitation}).status_code == 303


@pytest.mark.parametrize("content", [b"", b"name=a", b"\xff", b'{"name": "x"}', b"invitation=%00&name=%00"])
def test_a_form_without_an_invitation_lets_nobody_in(stranger: TestClient, content: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert stranger.post("/join", content=content, headers=headers).status_code == 404


def test_files_are_kept_for_good_under_their_digest_only(stranger: TestClient) -> None:
    address = Statics().address("favicon.svg")
    answer = stranger.get(address)
    assert (answer.headers["cache-control"], answer.headers["content-encoding"]) == (FOR_GOOD, "gzip")
    assert stranger.get("/static/old/favicon.svg").headers["cache-control"] == "no-cache"
    plain = stranger.get(address, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


def test_every_file_a_page_names_is_there(lead: TestClient) -> None:
    for path in PAGES:
        for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', lead.get(path).text):
            assert lead.get(address).status_code == 200, address
