"""Doing it better: writing the answer as it should be, and deciding on what others propose."""

from __future__ import annotations

import pytest
from tests.web.browser.answers import CHINESE, LETTER
from tests.web.browser.conftest import Site, Visit

pytestmark = pytest.mark.slow


def test_the_difference_is_shown_word_by_word_while_one_writes(visit: Visit) -> None:
    page = visit.read()
    visit.press("e")
    page.fill("#edited", LETTER.replace("by Friday", "before Monday"))
    assert page.locator(".pane del").all_text_contents() == ["removed:by Friday"]
    assert page.locator(".pane ins").all_text_contents() == ["added:before Monday"]


def test_the_difference_of_chinese_is_shown_character_by_character(visit: Visit) -> None:
    page = visit.read("r-chinese")
    visit.press("e")
    page.fill("#edited", CHINESE.replace("星期五", "星期六"))
    assert page.locator(".pane del").all_text_contents() == ["removed:五"]
    assert page.locator(".pane ins").all_text_contents() == ["added:六"]


def test_a_better_answer_is_saved_with_the_comments_it_meets(site: Site, visit: Visit) -> None:
    page = visit.read()
    visit.press("e")
    better = LETTER.replace(" 🎉", "").replace("of course ", "")
    page.fill("#edited", better)
    page.locator(".ticks label:has-text('No emoji')").click()
    assert page.locator(".ticks label:has-text('Do not promise') input").is_checked()
    page.locator("#edited").focus()
    visit.press("Control+Enter")
    page.wait_for_selector(".proposal:has-text('Written by Ada')")
    made = site.store.refinements()[-1]
    assert made.text == better
    assert set(made.addresses) == {"c-refund", "c-emoji"}


def test_proposals_stand_beside_the_original_with_the_comments_they_claim_to_meet(visit: Visit) -> None:
    page = visit.read()
    visit.press("r")
    proposal = page.locator(".proposal:has-text('Proposed by rewrite')")
    assert proposal.locator(".panes section").first.inner_text().endswith(LETTER.rsplit("\n", 1)[-1])
    assert "please write to us and we will help." in proposal.locator("ins").all_text_contents()[-1]
    assert proposal.locator("li.met").all_inner_texts() == [
        "✓\nclaims to meet:\nDo not promise what we cannot keep.",
        "✓\nclaims to meet:\nNo emoji to customers.",
    ]
    assert proposal.locator("li.unmet").count() == 1


def test_a_proposal_is_accepted_and_another_rejected_by_key(site: Site, visit: Visit) -> None:
    page = visit.read()
    visit.press("r", "n")
    page.wait_for_selector(".proposal.rejected:has-text('strip-emoji')")
    page.locator(".proposal:has-text('rewrite')").focus()
    visit.press("a")
    page.wait_for_selector(".proposal.accepted:has-text('rewrite')")
    page.reload()
    page.wait_for_selector("[data-mode] #text")
    visit.press("r")
    page.wait_for_selector(".proposal.accepted:has-text('Accepted: you')")


def test_a_proposal_is_changed_before_it_is_taken(site: Site, visit: Visit) -> None:
    page = visit.read()
    visit.press("r")
    page.locator(".proposal:has-text('rewrite') button:has-text('Change it')").click()
    assert "please write to us" in page.input_value("#edited")
    page.fill("#edited", page.input_value("#edited").replace("we will help", "we will find it"))
    visit.press("Control+Enter")
    page.wait_for_selector(".proposal:has-text('Written by Ada')")
    assert set(site.store.refinements()[-1].addresses) == {"c-refund", "c-emoji"}


def test_other_versions_answers_are_compared(visit: Visit) -> None:
    page = visit.read()
    page.locator("#siblings summary").click()
    assert page.locator("#siblings del").all_text_contents()
    page.locator("#siblings a").click()
    page.wait_for_selector(".version:text-is('v1')")


def test_a_difference_gives_back_both_texts_whatever_they_are(visit: Visit) -> None:
    visit.read("r-thanks-1")
    wrong = visit.page.evaluate("""async () => {
      const { difference } = await import(document.querySelector('link[href$="/diff.js"]').href);
      const letters = ["a", "b", " ", "你", "🎉", "\\n"];
      let seed = 7;
      const next = (most) => (seed = (seed * 48271) % 2147483647) % most;
      const words = () => Array.from({ length: next(12) }, () => letters[next(letters.length)]).join("");
      const of = (kind) => ([one]) => one === "same" || one === kind;
      const joined = (parts, kind) => parts.filter(of(kind)).map(([, text]) => text).join("");
      const wrong = [];
      for (let n = 0; n < 2000; n += 1) {
        const [a, b] = [words(), words()];
        const parts = difference(a, b);
        if (joined(parts, "gone") !== a || joined(parts, "new") !== b) wrong.push([a, b]);
      }
      const long = Array.from({ length: 30000 }, (_, at) => `w${at}`).join(" ");
      if (joined(difference(long, "x"), "gone") !== long) wrong.push(["long"]);
      return wrong;
    }""")
    assert wrong == []
