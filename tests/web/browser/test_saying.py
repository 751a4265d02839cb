"""Saying what is wrong: by mouse and by keyboard, of a passage and of the whole; changing one's mind."""

from __future__ import annotations

import pytest
from tests.web.browser.answers import LETTER
from tests.web.browser.conftest import Site, Visit, Visiting

from sayso.store import review

pytestmark = pytest.mark.slow


def test_words_chosen_by_mouse_become_a_comment_with_their_span(visit: Visit) -> None:
    page = visit.read()
    visit.choose("Your parcel left our warehouse on Tuesday")
    page.locator("#pick .fix").click()
    visit.write("Say when it left, with the date.")
    page.get_by_role("button", name="Save").click()
    found = visit.said("Say when it left, with the date.")
    assert found.kind == "fix"
    assert [span.quote for span in found.spans] == ["Your parcel left our warehouse on Tuesday"]
    assert LETTER[found.spans[0].start : found.spans[0].end] == found.spans[0].quote


def test_spans_are_counted_in_characters_also_behind_an_emoji(visit: Visit) -> None:
    visit.read()
    visit.choose("The Team")
    visit.press("p")
    visit.write("A good ending.")
    visit.press("Enter")
    span = visit.said("A good ending.").spans[0]
    assert LETTER[span.start : span.end] == "The Team"
    assert span.start > LETTER.index("🎉")


def test_a_whole_triple_click_on_an_emoji_line_is_one_span(visit: Visit) -> None:
    page = visit.read()
    page.locator("#text").click(position={"x": 120, "y": 100}, click_count=3)
    visit.press("c")
    visit.write("All of this line.")
    visit.press("Enter")
    span = visit.said("All of this line.").spans[0]
    assert span.quote.startswith("Thank you")
    assert span.quote.endswith("🎉")


def test_words_are_chosen_by_keyboard_in_english_and_in_chinese(visit: Visit) -> None:
    page = visit.read()
    visit.press("m", "ArrowDown", "Shift+ArrowRight")
    assert page.evaluate("getSelection().toString()") == "Thank you"
    visit.press("Shift+ArrowDown")
    assert page.evaluate("getSelection().toString()") == "Thank you for your patience."
    visit.press("q")
    visit.write("Is it patience?")
    visit.press("Enter")
    assert visit.said("Is it patience?").spans[0].quote == "Thank you for your patience."
    visit.read("r-chinese")
    visit.press("m", "ArrowDown", " ", "f")
    visit.write("太客气了")
    visit.press("Enter")
    assert visit.said("太客气了").spans[0].quote == "感谢您的耐心等待。"


@pytest.mark.parametrize(("key", "kind"), [("f", "fix"), ("p", "keep"), ("q", "question"), ("c", "concern")])
def test_each_kind_has_one_key(visit: Visit, key: str, kind: str) -> None:
    visit.read("r-thanks-1")
    visit.press(key)
    visit.write("About the whole.")
    visit.press("Enter")
    found = visit.said("About the whole.")
    assert (found.kind, found.spans) == (kind, ())


def test_severity_and_reach_are_said_with_the_comment(visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("w", "Alt+3")
    visit.write("Too short for a thank-you letter.")
    page.get_by_label("How far it reaches").select_option("words")
    page.get_by_placeholder("Where does it hold?").fill("letters of thanks")
    visit.press("Enter")
    found = visit.said("Too short for a thank-you letter.")
    assert (found.severity, found.reach, found.scope_text) == ("critical", "kind", "letters of thanks")
    page.wait_for_selector("#margin .card:has-text('Where: letters of thanks')")


def test_a_comment_may_have_several_spans(visit: Visit) -> None:
    page = visit.read()
    visit.choose("Dear Ms. Okafor")
    visit.press("f")
    visit.write("Both are too stiff.")
    visit.choose("Yours")
    page.locator("#pick button:has-text('Add to the comment')").click()
    visit.press("Enter")
    assert [span.quote for span in visit.said("Both are too stiff.").spans] == ["Dear Ms. Okafor", "Yours"]


def test_overlapping_spans_have_their_own_line_and_number(visit: Visit) -> None:
    page = visit.read()
    lines = page.eval_on_selector_all("#text .under", "all => all.map((one) => [one.dataset.id, one.className])")
    layers = {name: next(word for word in words.split() if word.startswith("layer")) for name, words in lines}
    assert layers["c-refund"] != layers["c-emoji"]
    assert page.eval_on_selector_all("#text .sign", "all => all.map((one) => one.dataset.n)") == ["1", "2", "3"]
    shared = page.locator("#text .under.fix .under.concern").first
    assert shared.inner_text() == "refund you"
    assert page.text_content("#text") == LETTER


def test_a_card_and_its_words_point_at_one_another(visit: Visit) -> None:
    page = visit.read()
    page.locator("#text .under.keep").click()
    page.wait_for_selector(".card[data-id=c-warm]:focus")
    visit.press("]")
    page.wait_for_selector("#text .under.on[data-id=c-refund]")
    words, card = (
        page.locator("#text .under[data-id=c-warm]").bounding_box(),
        page.locator(".card[data-id=c-warm]").bounding_box(),
    )
    assert words is not None
    assert card is not None
    assert abs(words["y"] - card["y"]) < 40


def test_a_comment_is_edited_withdrawn_reopened_and_undone(site: Site, visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("f")
    visit.write("First wording.")
    visit.press("Enter")
    first = visit.said("First wording.")
    page.wait_for_selector(".toast:has-text('Comment saved')")
    visit.press("]", "i")
    visit.write(" And more.")
    visit.press("Enter")
    second = visit.said("First wording. And more.")
    assert second.supersedes == (first.id,)
    assert site.store.comment(first.id).status == "superseded"
    page.wait_for_selector(".card:has-text('And more.') button:has-text('Withdraw')")
    visit.press("z")
    page.wait_for_selector(".card:not(.gone) .words:text-is('First wording.')")
    page.wait_for_selector(".card:not(.gone):has-text('And more.')", state="detached")
    assert site.store.comment(first.id).status == "open"
    page.locator(".card:not(.gone) button:has-text('Withdraw')").click()
    page.wait_for_selector(".toast:has-text('Comment withdrawn')")
    assert site.store.comment(first.id).status == "withdrawn"
    page.locator(".toast button").click()
    page.wait_for_selector(".card:not(.gone) .words:text-is('First wording.')")
    assert site.store.comment(first.id).status == "open"


def test_a_new_comment_is_undone_by_one_key(site: Site, visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("f")
    visit.write("A slip of the tongue.")
    visit.press("Enter")
    found = visit.said("A slip of the tongue.")
    page.wait_for_selector(".toast:has-text('Comment saved')")
    visit.press("z")
    page.wait_for_selector("#margin .fallen")
    assert site.store.comment(found.id).status == "withdrawn"


def test_what_is_said_again_and_again_is_offered_as_a_standing_comment(site: Site, visit: Visit) -> None:
    for number in range(3):
        form = review.CommentForm(key=f"k{number}", text="Sign with a name.", response_id=f"r-thanks-{number}")
        review.save_comment(site.store, site.reviewer, form)
    page = visit.read()
    visit.press("w")
    visit.write("Sign with a name.")
    page.wait_for_selector(".composer .notice:has-text('said 3 times')")
    page.get_by_role("button", name="Make it a standing comment").click()
    visit.write("letters")
    page.get_by_role("button", name="Save as standing comment").click()
    page.wait_for_selector(".composer .notice:has-text('From now on')")
    standing = [item for item in site.store.comments() if item.response is None]
    assert [(item.text, item.scope_text) for item in standing] == [("Sign with a name.", "letters")]


def test_personal_data_is_shown_before_it_is_saved(site: Site, visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    text = "Write to ann@example.com or 13800138000."
    visit.press("w")
    visit.write(text)
    visit.press("Enter")
    page.wait_for_selector(".composer .notice.bad mark:text('ann@example.com')")
    assert page.locator(".composer mark").all_inner_texts() == ["ann@example.com", "13800138000"]
    assert text not in [item.text for item in site.store.comments()]
    page.get_by_role("button", name="Save it anyway").click()
    visit.said(text)


def test_an_empty_comment_is_not_sent(visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("f", "Enter")
    page.wait_for_selector(".composer .notice:has-text('Some words are missing')")


def test_others_comments_appear_while_one_reads(site: Site, visiting: Visiting) -> None:
    reader = visiting()
    page = reader.read("r-thanks-1")
    page.wait_for_timeout(400)
    form = review.CommentForm(key="k", text="From the other side.", response_id="r-thanks-1")
    review.save_comment(site.store, site.reviewer, form)
    page.wait_for_selector(".card .words:text-is('From the other side.')")
    page.wait_for_selector("#counts:has-text('comments')")
