"""The queue, one answer a screen, and two versions side by side without names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.web.browser.answers import ask
from tests.web.browser.conftest import NARROW, Site, Visit, Visiting

from sayso.records import Response
from sayso.store import review

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.slow


def titles(visit: Visit) -> list[str]:
    return [text.strip() for text in visit.page.locator("#items .ask").all_inner_texts()]


def test_the_newest_answer_is_opened_with_its_prompt_above_it(visit: Visit) -> None:
    page = visit.go()
    page.wait_for_selector("[data-mode] #text")
    assert "Ms. Okafor: her parcel is late" in page.inner_text("#prompt")
    assert page.text_content("#text") == visit.site.store.responses()[-1].text
    assert page.inner_text("#actions .place") == "1 of 7"


def test_the_first_answer_can_be_read_before_a_script_has_run(visiting: Visiting) -> None:
    visit: Visit = visiting(java_script_enabled=False)
    page = visit.go("/?response=r-trip")
    page.wait_for_selector("#text:visible")
    assert page.text_content("#text") == next(one.text for one in visit.site.store.responses() if one.id == "r-trip")
    assert page.locator("#prompt .turn:visible").count() == 3


def test_words_chosen_while_the_scripts_are_on_their_way_stay_chosen(visiting: Visiting) -> None:
    visit: Visit = visiting()
    held: list[Route] = []
    visit.page.route("**/review.js", lambda route: held.append(route))  # noqa: PLW0108 (playwright marks a function as its own)
    page = visit.go("/?response=r-letter")
    page.wait_for_selector("#text")
    words = page.text_content("#text").split("\n")[0][:20].strip()
    visit.choose(words)
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    page.wait_for_selector("#pick button")
    assert page.evaluate("String(getSelection())") == words


def test_the_order_one_has_chosen_is_there_again(visit: Visit) -> None:
    page = visit.go()
    page.wait_for_selector("[data-mode] #text")
    page.select_option("#order", "oldest")
    page.wait_for_selector("#items a[data-id=r-thanks-0][aria-current]")
    page.goto(visit.site.url)
    page.wait_for_selector("#items a[data-id=r-thanks-0][aria-current]")
    assert page.input_value("#order") == "oldest"
    assert page.text_content("#text") == visit.site.store.responses()[0].text


def test_a_chat_is_shown_as_a_chat_and_markdown_is_rendered(visit: Visit) -> None:
    page = visit.read("r-trip")
    assert page.locator("#prompt .turn").count() == 3
    assert page.locator("#prompt .turn.assistant").inner_text().endswith("Do you prefer cities or beaches?")
    visit.press("y")
    assert page.locator("#stage table td").first.inner_text() == "Lisbon"
    assert "for day in range(5):" in page.inner_text("#stage pre code")
    visit.press("y")
    assert page.text_content("#text").startswith("Here is a short comparison:")


def test_script_in_an_answer_or_a_comment_is_only_text(site: Site, visit: Visit) -> None:
    bad = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>**bold**"
    site.store.add_responses([Response(prompt=ask(bad), text=bad, version="v2", id="r-bad")])
    review.save_comment(site.store, site.reviewer, review.CommentForm(key="k", text=bad, response_id="r-bad"))
    page = visit.read("r-bad")
    visit.press("y")
    page.wait_for_selector("#stage strong")
    assert bad in page.inner_text("#margin .card .words")
    assert page.locator("#stage img, #stage script, #prompt img, #margin img").count() == 0
    assert page.title() != "taken"


def test_the_queue_is_walked_searched_ordered_and_narrowed_to_a_version(visit: Visit) -> None:
    page = visit.go()
    page.wait_for_selector("[data-mode] #text")
    visit.press("j", "j")
    page.wait_for_selector("#items a[data-id=r-trip][aria-current]")
    visit.press("k")
    page.wait_for_selector("#items a[data-id=r-older][aria-current]")
    page.select_option("#order", "oldest")
    page.wait_for_selector("#items a[data-id=r-thanks-0][aria-current]")
    for order in ("uncertain", "disagreement", "random", "newest"):
        page.select_option("#order", order)
        page.wait_for_selector("#items:not([aria-busy]) li")
    page.select_option("#version", "v1")
    page.wait_for_selector("#items li:only-child")
    page.select_option("#version", "")
    visit.press("s")
    visit.write("王女士")
    page.wait_for_selector("#items li:only-child")
    page.wait_for_selector("#items a[data-id=r-chinese][aria-current]")
    page.fill("#search", "nobody said this")
    page.wait_for_selector("#blank h2:text('Nothing found')")


def test_done_and_skipped_answers_are_marked_and_the_next_one_comes(visit: Visit) -> None:
    page = visit.go()
    page.wait_for_selector("[data-mode] #text")
    visit.press("d")
    page.wait_for_selector("#items a[data-id=r-older][aria-current]")
    visit.press("x")
    page.wait_for_selector("#items a[data-id=r-trip][aria-current]")
    page.wait_for_selector("#items li.done")  # the marks come with the queue's next answer
    page.wait_for_selector("#items li.skipped")
    assert page.locator("#items li.done, #items li.skipped").count() == 2
    page.reload()
    page.wait_for_selector("#items li")
    assert page.locator("#items li").count() == 5


def test_the_end_of_the_queue_says_so(visit: Visit) -> None:
    page = visit.read("r-thanks-0")
    visit.press("d")
    page.wait_for_selector("#blank h2:text('That was the last one')")
    visit.page.get_by_role("button", name="Start again at the top").click()
    page.wait_for_selector("[data-mode] #text")


def test_a_verdict_is_given_by_one_key_and_kept(visit: Visit) -> None:
    page = visit.read()
    visit.press("v", "v")
    assert page.get_attribute(".verdict .needs_work", "aria-pressed") == "true"
    page.wait_for_timeout(300)
    page.reload()
    page.wait_for_selector(".verdict .needs_work[aria-pressed=true]")
    visit.press("v", "v")
    page.wait_for_selector(".verdict:not(:has([aria-pressed=true]))")


def test_two_versions_are_compared_without_their_names(site: Site, visit: Visit) -> None:
    page = visit.go("/ab")
    page.get_by_role("button", name="Start comparing").click()
    page.wait_for_selector(".side-answer")
    shown = page.inner_text("#view")
    assert "v1" not in shown
    assert "v2" not in shown
    left_is_older = "of course" not in page.locator(".side-answer").first.inner_text()
    visit.press("w")
    visit.write("It promises less.")
    visit.press("Escape", "1" if left_is_older else "3")
    page.wait_for_selector(".blank h2:text('No more pairs')")
    page.wait_for_timeout(300)
    tally = review.choices_between(site.store, "v1", "v2")
    assert (tally.a, tally.b) == (1, 0)


def test_on_a_narrow_screen_the_queue_is_a_drawer_and_nothing_overflows(visiting: Visiting) -> None:
    visit = visiting(viewport=NARROW)
    page = visit.read("r-trip")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not page.is_visible("#items")
    page.get_by_role("button", name="Queue").click()
    page.locator("#items a[data-id=r-chinese]").click()
    page.wait_for_selector("#text:has-text('王女士')")
    assert not page.is_visible("#items")


def test_an_answer_that_is_not_there_is_said_kindly(visit: Visit) -> None:
    visit.expected.append("404")
    page = visit.go("/?response=r-nowhere")
    page.wait_for_selector("#blank button:text('Try again')")
