"""A team: coming in by invitation, sharing work out, agreeing, deciding, a guideline that nobody overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.web.browser.conftest import NARROW, Site, Visit, Visiting

from sayso.store import review

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.slow


def invited(site: Site, name: str = "Mei") -> str:
    return f"/join?invitation={review.issue_token(site.store, 'invitation', role='reviewer', name=name)}"


class Hand:
    """Counts what a hand does: clicks, and keys."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.clicks = 0
        self.keys = 0

    def click(self, selector: str) -> None:
        self.visit.page.wait_for_selector(selector)
        self.visit.page.click(selector)
        self.clicks += 1

    def drag(self, words: str) -> None:
        self.visit.choose(words)
        self.clicks += 1

    def press(self, *keys: str) -> None:
        self.visit.press(*keys)
        self.keys += len(keys)


def test_from_the_invitation_to_the_first_comment_on_a_passage_in_four_clicks(site: Site, visiting: Visiting) -> None:
    visit = visiting(stranger=True)
    hand = Hand(visit)
    visit.go(invited(site))
    hand.click("button[type=submit]")
    visit.page.wait_for_selector("[data-mode] #text")
    hand.drag("Thank you for your patience.")
    hand.click("#pick .keep")
    visit.write("Kind.")
    hand.click(".composer .primary")
    found = visit.said("Kind.")
    assert (found.author, found.spans[0].quote) == ("Mei", "Thank you for your patience.")
    assert hand.clicks <= 4


def test_from_the_invitation_to_the_first_comment_on_a_passage_in_fifteen_keys(site: Site, visiting: Visiting) -> None:
    visit = visiting(stranger=True)
    hand = Hand(visit)
    visit.go(invited(site))
    visit.page.wait_for_selector("input:focus")
    hand.press("Enter")
    visit.page.wait_for_selector("[data-mode] #text")
    hand.press("m", "ArrowDown", " ", "p", *"Kind.", "Enter")
    found = visit.said("Kind.")
    assert (found.author, found.spans[0].quote) == ("Mei", "Thank you for your patience.")
    assert hand.keys <= 15


def test_a_lead_invites_by_a_link_that_works_once(site: Site, visiting: Visiting) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"])
    page = visit.go("/team")
    page.get_by_label("Name (they can change it)").fill("Mei")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Invitation link").input_value()
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == link
    guest = visiting(stranger=True)
    guest.page.goto(link)
    assert guest.page.input_value("#name") == "Mei"
    guest.press("Enter")
    guest.page.wait_for_selector("[data-mode] #text")
    again = visiting(stranger=True)
    again.expected.append("404")
    again.page.goto(link)
    again.page.wait_for_selector("h1:text('This invitation does not open the door')")


def test_without_a_session_every_page_says_how_to_come_in(visiting: Visiting) -> None:
    visit = visiting(stranger=True)
    visit.expected.append("401")
    for path in ("/", "/team", "/overview"):
        visit.go(path)
        visit.page.wait_for_selector("h1:text('You are not signed in')")


def test_a_reviewer_sees_neither_the_decisions_nor_the_ways_to_invite(site: Site, visiting: Visiting) -> None:
    visit = visiting(site.reviewer)
    visit.expected.append("403")
    page = visit.go("/guideline")
    page.wait_for_selector(".blank")
    assert page.locator("nav a[href='/team'], nav a[href='/adjudicate'], #view button").count() == 0
    visit.go("/adjudicate")
    page.wait_for_selector(".notice.bad")


def test_work_is_shared_out_and_everybodys_progress_is_shown(site: Site, visit: Visit) -> None:
    page = visit.go("/team")
    page.get_by_label("How many answers").fill("4")
    page.get_by_role("button", name="Share the work out").click()
    page.wait_for_selector(".toast:has-text('8 assignments made')")
    page.wait_for_selector("tr:has-text('陈静') >> text=0 done and 0 skipped of 4")
    mine = [item.response_id for item in review.queue(site.store, reviewer=site.reviewer).items]
    review.set_state(site.store, site.reviewer, mine[0], "done")
    page.reload()
    page.wait_for_selector("tr:has-text('陈静') >> text=1 done and 0 skipped of 4")


def test_agreement_is_shown_with_its_interval(site: Site, visit: Visit) -> None:
    for number, response in enumerate(site.store.responses()):
        review.set_verdict(site.store, site.lead, response.id, ("good", "bad")[number % 2])
        review.set_verdict(site.store, site.reviewer, response.id, ("good", "bad")[number % 2 if number else 1])
        for person in (site.lead, site.reviewer):
            form = review.CommentForm(key=person.id + response.id, text="Here.", response_id=response.id, spans=((0, 10),))
            review.save_comment(site.store, person, form)
    page = visit.go("/team")
    page.wait_for_selector("th:text-is('Verdicts')")
    shown = page.locator("tr:has(th:text-is('Verdicts')) .figures").first.inner_text()
    value, low, high = (float(part) for part in shown.replace("(", "").replace(")", "").replace(" to", "").split())
    assert low <= value <= high < 1.01
    assert 0 < value < 1
    assert page.locator("tr:has(th:text-is('Passages')) .figures").first.inner_text().startswith("1.00")
    assert page.locator("th:text('Ada and 陈静')").count() == 1


def test_a_lead_decides_where_reviewers_differ(site: Site, visiting: Visiting) -> None:
    review.set_verdict(site.store, site.lead, "r-letter", "good")
    review.set_verdict(site.store, site.reviewer, "r-letter", "bad")
    visit = visiting()
    page = visit.go("/adjudicate")
    page.wait_for_selector(".case")
    assert "陈静" in page.inner_text(".sayings")
    visit.press("w")
    visit.write("It promises too much.")
    visit.press("Alt+3")
    page.wait_for_selector(".blank:has-text('Nothing to decide')")
    visit.read()
    page.wait_for_selector(".decided:has-text('Decided by Ada: Bad — It promises too much.')")


def test_a_lead_who_comes_second_sees_the_decision_and_decides_again_with_the_same_words(
    site: Site, visiting: Visiting
) -> None:
    for response in ("r-letter", "r-trip"):
        review.set_verdict(site.store, site.lead, response, "good")
        review.set_verdict(site.store, site.reviewer, response, "bad")
    second = review.add_reviewer(site.store, "Bo", "lead")
    visit = visiting()
    visit.expected.append("409")
    page = visit.go("/adjudicate")
    case = page.locator(".case[data-id=r-letter]")
    case.locator("textarea").fill("It promises too much.")
    page.locator(".case[data-id=r-trip] textarea").fill("Not yet.")
    review.adjudicate(site.store, second, "r-letter", "good", "Fine with me.")
    case.get_by_role("button", name="Bad").click()
    page.wait_for_selector(".case[data-id=r-letter] .notice:has-text('Bo'):has-text('Fine with me.')")
    assert case.locator("textarea").input_value() == "It promises too much."
    assert page.locator(".case[data-id=r-trip] textarea").input_value() == "Not yet."
    assert "Decide again:" in case.inner_text()
    case.get_by_role("button", name="Bad").click()
    page.wait_for_selector(".case[data-id=r-letter]", state="detached")
    visit.read()
    page.wait_for_selector(".decided:has-text('Decided by Ada: Bad — It promises too much.')")


def test_a_lead_who_comes_second_leaves_it_at_that(site: Site, visiting: Visiting) -> None:
    review.set_verdict(site.store, site.lead, "r-letter", "good")
    review.set_verdict(site.store, site.reviewer, "r-letter", "bad")
    visit = visiting()
    visit.expected.append("409")
    page = visit.go("/adjudicate")
    page.wait_for_selector(".case")
    review.adjudicate(site.store, review.add_reviewer(site.store, "Bo", "lead"), "r-letter", "good", "")
    page.get_by_role("button", name="Bad").click()
    page.get_by_role("button", name="Leave it at that").click()
    page.wait_for_selector(".blank:has-text('Nothing to decide')")
    visit.read()
    page.wait_for_selector(".decided:has-text('Decided by Bo: Good')")


def test_a_guideline_is_written_read_and_never_overwritten(site: Site, visiting: Visiting) -> None:
    visit = visiting()
    visit.expected.append("409")
    page = visit.go("/guideline")
    page.get_by_role("button", name="Write the guideline").click()
    visit.write("# Look for\n\n- promises")
    visit.press("Control+Enter")
    page.wait_for_selector(".paper h1:text('Look for'), .paper h2:text('Look for')")
    visit.press("e")
    page.fill("#words", "# Look for\n\n- promises\n- tone")
    review.set_guideline(site.store, site.lead, "# Look for\n\n- promises\n- dates", review.guideline(site.store).seq)
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector(".notice:has-text('has saved a newer text meanwhile')")
    assert page.locator(".notice ins").all_text_contents() == ["added:tone"]
    assert review.guideline(site.store).text.endswith("- dates")
    page.fill("#words", "# Look for\n\n- promises\n- dates\n- tone")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector(".paper li:text('tone')")
    visit.read()
    visit.press("h")
    page.wait_for_selector("dialog.side li:text('dates')")


def test_whoever_has_begun_to_write_the_guideline_goes_on_when_another_one_arrives(site: Site, visiting: Visiting) -> None:
    visit = visiting()
    page = visit.go("/guideline")
    page.get_by_role("button", name="Write the guideline").wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/guideline", hold)
    review.set_guideline(site.store, site.lead, "# Look for", review.guideline(site.store).seq)
    page.wait_for_selector("#view[aria-busy]")
    visit.press("e")
    page.wait_for_selector("#words:focus")
    held[0].continue_()
    page.wait_for_selector("#view:not([aria-busy])")
    assert page.locator("#words:focus").count() == 1


def test_a_person_is_signed_out_for_good(site: Site, visiting: Visiting) -> None:
    guest = visiting(site.reviewer)
    guest.expected.append("401")
    guest.read()
    visit = visiting()
    visit.page.on("dialog", lambda asked: asked.accept())
    visit.go("/team")
    visit.page.get_by_role("button", name="Sign 陈静 out for good").click()
    visit.page.wait_for_selector("tr.away:has-text('陈静')")
    guest.page.reload()
    guest.page.wait_for_selector("h1:text('You are not signed in')")


def test_the_doors_fit_a_telephone(site: Site, visiting: Visiting) -> None:
    visit = visiting(stranger=True, viewport=NARROW)
    visit.go(invited(site))
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
