"""What was said, in pictures; and what a page weighs."""

from __future__ import annotations

import pytest
from tests.web.browser.answers import ask
from tests.web.browser.conftest import Site, Visit, Visiting

from sayso.records import Response
from sayso.store import review

pytestmark = pytest.mark.slow
MOST_BYTES = 150_000


def test_themes_coverage_and_changes_are_shown(site: Site, visit: Visit) -> None:
    said = (
        "The refund is promised too early",
        "Do not promise a refund",
        "A refund promise again",
        "Please drop the emoji",
        "No emoji here",
        "One emoji too many",
    )
    for number, text in enumerate(said):
        form = review.CommentForm(
            key=text, text=text, response_id=f"r-thanks-{number % 3}", kind="fix" if number < 3 else "concern"
        )
        review.save_comment(site.store, site.reviewer, form)
    page = visit.go("/overview")
    page.wait_for_selector(".themes li")
    themes = " ".join(page.locator(".theme").all_inner_texts())
    assert "refund" in themes
    assert "emoji" in themes
    page.locator(".themes summary:has-text('emoji')").first.click()
    page.locator(".examples a").first.wait_for()
    assert page.locator(".bar-picture").count() >= 2
    assert page.locator("tr:has(th:text-is('thanks')) progress").get_attribute("value") == "3"
    assert page.locator("tr:has(th:text-is('trips')) progress").get_attribute("value") == "0"
    assert page.locator(".picture svg").count() == 1
    page.locator(".examples a").first.click()
    page.wait_for_selector("[data-mode] #text")


def test_an_empty_workspace_says_what_will_be_here(site: Site, visit: Visit) -> None:
    for comment in site.store.comments():
        site.store.withdraw(comment.id, "")
    page = visit.go("/overview")
    page.wait_for_selector(".blank, .themes, .facts")
    page.goto(site.url + "/adjudicate")
    page.wait_for_selector(".blank:has-text('Nothing to decide')")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_family_with_a_long_name_does_not_push_the_figures_out_of_sight(site: Site, visit: Visit, language: str) -> None:
    names = (
        "customer_support/refunds_and_returns_of_the_autumn_2026",
        "客户服务退款与换货说明以及二〇二六年秋季活动相关的所有提示",
    )
    site.store.add_responses([Response(prompt=ask(name, family=name), text="x", id=name) for name in names])
    page = visit.go(f"/overview?lang={language}")
    page.wait_for_selector(f"th:text-is('{names[0]}')")
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every((one) => one.scrollWidth <= one.clientWidth)")


def test_every_page_weighs_less_than_150_kilobytes_and_comes_from_one_host(visit: Visit) -> None:
    visit.expected.append("404")
    for path in ("/?lang=en", "/?lang=zh", "/team", "/overview", "/guideline", "/adjudicate", "/ab", "/join?invitation=x"):
        page = visit.go(path)
        page.wait_for_selector("[data-mode] #text, #view > *:not(.loading), .door h1")
        parts = page.evaluate("performance.getEntries().map((one) => [one.name, one.decodedBodySize ?? 0])")
        assert sum(size for _name, size in parts) < MOST_BYTES, path  # as it is read; on the way it is packed
        hosts = {name.split("/")[2] for name, _size in parts if "://" in name}
        assert hosts == {visit.site.url.split("/")[2]}


def test_every_module_is_asked_for_at_once(visit: Visit) -> None:
    page = visit.read()
    hints = page.eval_on_selector_all("link[rel=modulepreload]", "all => all.map((one) => one.href)")
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map((one) => one.name).filter((name) => name.endsWith('.js'))"
    )
    late = {name.rsplit("/", 1)[-1] for name in loaded if name not in hints}
    assert late == {"start.js", "review.js"}


def test_the_page_itself_speaks_to_the_api_only_and_with_a_token(site: Site, visiting: Visiting) -> None:
    visit = visiting()
    asked: list[tuple[str, str | None]] = []
    visit.page.on(
        "request",
        lambda sent: asked.append((sent.url, sent.headers.get("x-sayso-csrf")) if sent.method != "GET" else ("", "")),
    )
    visit.read("r-thanks-1")
    visit.press("f")
    visit.write("By the same door.")
    visit.press("Enter")
    visit.said("By the same door.")
    sent = [(url, token) for url, token in asked if url]
    assert sent
    assert all(url.startswith(f"{site.url}/api/") and token for url, token in sent)
    stranger = visiting(stranger=True)
    stranger.expected.append("401")
    stranger.go("/")
    status = stranger.page.evaluate(
        """Promise.all(["/api/responses", "/api/comments", "/api/openapi.json", "/api/nothing"]
            .map((path) => fetch(path).then((answer) => answer.status)))"""
    )
    assert status == [401, 401, 401, 401]
