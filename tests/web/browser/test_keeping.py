"""Nothing that was written is lost: not on a reload, not without a connection, not when the server starts again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.web.browser.conftest import PATIENCE, Site, Visit, Visiting, listening

from sayso.store import review

if TYPE_CHECKING:
    from playwright.sync_api import Response

pytestmark = pytest.mark.slow
AWAY = ["ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET",
    "ERR_NETWORK_CHANGED"]  # fmt: skip


def comments(site: Site, text: str) -> int:
    return sum(item.text == text for item in site.store.comments(status=None))


def test_half_a_comment_is_there_again_after_a_reload(visit: Visit) -> None:
    page = visit.read()
    visit.choose("The Team")
    visit.press("c")
    visit.write("Who is the te")
    page.reload()
    page.wait_for_selector(".composer textarea")
    assert page.input_value(".composer textarea") == "Who is the te"
    assert page.get_attribute(".kinds .concern", "aria-pressed") == "true"
    assert page.inner_text(".composer blockquote").startswith("The Team")


def test_a_draft_follows_its_writer_to_another_browser(visiting: Visiting) -> None:
    first = visiting()
    first.read()
    first.press("w")
    first.write("Begun on one machine")
    first.page.wait_for_timeout(900)
    second = visiting()
    second.read()
    second.page.wait_for_selector(".composer textarea")
    assert second.page.input_value(".composer textarea") == "Begun on one machine"


def test_a_saved_comment_leaves_no_draft(visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("f")
    visit.write("Whole and saved.")
    page.wait_for_timeout(700)
    visit.press("Enter")
    visit.said("Whole and saved.")
    page.wait_for_timeout(300)
    page.reload()
    page.wait_for_selector(".card .words:text-is('Whole and saved.')")
    assert page.locator(".composer").count() == 0


def test_half_an_answer_is_there_again_after_a_reload(visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("e")
    visit.write("Dear all, ")
    page.reload()
    page.wait_for_selector("#edited")
    assert page.input_value("#edited").startswith("Dear all, Thank you")


def test_without_a_connection_a_comment_waits_and_is_sent_once(site: Site, visit: Visit) -> None:
    visit.expected += AWAY
    page = visit.read("r-thanks-1")
    visit.context.set_offline(True)
    visit.press("f")
    visit.write("Said in a tunnel.")
    visit.press("Enter")
    page.wait_for_selector(".card.waits .words:text-is('Said in a tunnel.')")
    page.wait_for_selector(".saving.waits:text-is('Not saved yet: 1')")
    assert comments(site, "Said in a tunnel.") == 0
    visit.context.set_offline(False)
    page.wait_for_selector(".card:not(.waits) .words:text-is('Said in a tunnel.')")
    assert comments(site, "Said in a tunnel.") == 1
    page.wait_for_selector(".saving:text-is('All saved')")
    visit.press("w")
    visit.write("Said in the open.")
    visit.press("Enter")
    page.wait_for_selector(".card:not(.waits) .words:text-is('Said in the open.')")
    assert page.locator(".saving").inner_text() == "All saved"


def test_a_connection_that_is_dead_without_saying_so_holds_no_comment_up(visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    page.route("**/api/comments/private-check", lambda _route: None)  # is never answered
    visit.press("f")
    visit.write("Said into the void.")
    visit.press("Enter")
    assert visit.said("Said into the void.")
    page.wait_for_selector(".card:not(.waits) .words:text-is('Said into the void.')")
    page.unroute("**/api/comments/private-check")


def test_what_waits_survives_a_reload_while_the_server_is_away(site: Site, visit: Visit) -> None:
    visit.expected += AWAY
    page = visit.read("r-thanks-1")
    site.server.stop()
    visit.press("f")
    visit.write("Said while it was down.")
    visit.press("Enter")
    page.wait_for_selector(".card.waits")
    site.server.start()
    page.reload()
    visit.said("Said while it was down.")
    page.wait_for_selector(".card:not(.waits) .words:text-is('Said while it was down.')")
    assert comments(site, "Said while it was down.") == 1


def test_two_windows_of_one_browser_lose_nothing_and_send_nothing_twice(site: Site, visiting: Visiting) -> None:
    visit, other = two_windows(site, visiting())
    answers = answered(visit, other)
    pages = [(visit.read("r-thanks-1"), visit), (other.read("r-letter"), other)]
    visit.context.set_offline(True)
    for turn in range(2):
        for page, window in pages:
            window.press("w")
            window.write(f"{window.page.url[-8:]} {turn}")
            window.press("Enter")
            page.wait_for_selector(f".card.waits .words:text-is('{window.page.url[-8:]} {turn}')")
    for page, _window in pages:
        page.wait_for_selector(".saving.waits:text-is('Not saved yet: 4')")
    visit.context.set_offline(False)
    for page, _window in pages:
        page.wait_for_selector(".saving:not(.waits)")
        page.wait_for_selector(".card.waits", state="detached")
    said = [item.text for item in site.store.comments(status=None)]
    assert [said.count(f"{window.page.url[-8:]} {turn}") for _page, window in pages for turn in range(2)] == [1, 1, 1, 1]
    assert answers == [201] * 4


def test_what_a_closed_window_had_not_sent_is_sent_by_another_one(site: Site, visiting: Visiting) -> None:
    visit, other = two_windows(site, visiting())
    answers = answered(visit, other)
    visit.read("r-thanks-1")
    other.read("r-letter")
    visit.context.set_offline(True)
    other.press("w")
    other.write("Said in a window that is closed.")
    other.press("Enter")
    other.page.wait_for_selector(".card.waits")
    other.page.close()
    visit.context.set_offline(False)
    visit.press("w")
    visit.write("Said in the one that stays.")
    visit.press("Enter")
    visit.said("Said in a window that is closed.")
    visit.page.wait_for_selector(".card:not(.waits) .words:text-is('Said in the one that stays.')")
    assert comments(site, "Said in a window that is closed.") == comments(site, "Said in the one that stays.") == 1
    assert answers == [201] * 2


def test_of_two_verdicts_that_wait_in_two_windows_the_later_one_holds(site: Site, visiting: Visiting) -> None:
    visit, other = two_windows(site, visiting())
    visit.read("r-letter")
    other.read("r-letter")
    visit.context.set_offline(True)
    visit.press("v")
    visit.page.wait_for_selector(".saving.waits")
    other.press("v", "v", "v")
    other.page.wait_for_selector(".saving.waits:text-is('Not saved yet: 1')")
    visit.context.set_offline(False)
    for window in (visit, other):
        window.page.wait_for_selector(".saving:not(.waits)")
    assert [(item.reviewer, item.verdict) for item in review.ratings(site.store)] == [("Ada", "bad")]


def two_windows(site: Site, visit: Visit) -> tuple[Visit, Visit]:
    visit.expected += AWAY
    page = visit.context.new_page()
    return visit, listening(
        Visit(site=site, context=visit.context, page=page, complaints=visit.complaints, expected=visit.expected)
    )


def answered(*windows: Visit) -> list[int]:
    """Return a list that fills with the status of every answer to a comment that was sent."""
    found: list[int] = []

    def note(answer: Response) -> None:
        if answer.request.method == "POST" and answer.request.url.endswith("/comments"):
            found.append(answer.status)

    for window in windows:
        window.page.on("response", note)
    return found


def test_what_is_refused_after_a_reload_is_a_draft_again(site: Site, visit: Visit) -> None:
    from playwright.sync_api import expect

    visit.expected += [*AWAY, "422"]
    page = visit.read("r-thanks-1")
    site.server.stop()
    visit.press("f")
    visit.write("Ask lin.wang@example.org first.")
    visit.press("Enter")
    page.wait_for_selector(".card.waits")
    site.server.start()
    page.reload()
    expect(page.locator(".composer textarea")).to_have_value(re.compile("lin.wang@example.org"), timeout=1000 * PATIENCE)
    assert comments(site, "Ask lin.wang@example.org first.") == 0


def test_a_server_that_starts_again_is_found_by_the_open_page(site: Site, visit: Visit) -> None:
    visit.expected += AWAY
    page = visit.read("r-thanks-1")
    site.server.stop()
    visit.press("v", "f")
    visit.write("Over the gap.")
    visit.press("Enter")
    page.wait_for_selector(".saving.waits:text-is('Not saved yet: 2')")
    site.server.start()
    visit.said("Over the gap.")
    page.wait_for_selector(".card:not(.waits) .words:text-is('Over the gap.')")


def test_the_same_request_sent_twice_is_one_comment(site: Site, visit: Visit) -> None:
    visit.expected += ["ERR_FAILED"]
    page = visit.read("r-thanks-1")
    lost: list[str] = []

    def lose(route: object) -> None:
        """The server keeps the comment, but its answer never arrives."""
        if not lost:
            lost.append(route.fetch().text())  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/comments", lose)
    visit.press("f")
    visit.write("Only once, please.")
    visit.press("Enter")
    page.wait_for_selector(".card:not(.waits) .words:text-is('Only once, please.')")
    assert lost
    assert comments(site, "Only once, please.") == 1


def test_two_people_who_write_at_once_both_keep_their_words(site: Site, visiting: Visiting) -> None:
    one, other = visiting(), visiting(site.reviewer)
    for visit, words in ((one, "One says this."), (other, "The other says that.")):
        visit.read("r-thanks-1")
        visit.press("f")
        visit.write(words)
    one.press("Enter")
    other.press("Enter")
    one.said("One says this.")
    other.said("The other says that.")
    assert {item.author for item in site.store.comments() if item.text.endswith(("says this.", "says that."))} == {
        "Ada",
        "陈静",
    }
