"""Everything without a mouse, with input methods, on small screens, for every eye and ear."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.web.browser.conftest import NARROW, Site, Visit, Visiting

from sayso.store import review

pytestmark = pytest.mark.slow
PAGES = ("/?response=r-letter", "/team", "/overview", "/guideline", "/adjudicate", "/ab?a=v2&b=v1")


def test_a_question_mark_shows_the_keys(visit: Visit) -> None:
    page = visit.read()
    visit.press("?")
    shown = page.inner_text("dialog.keys")
    for words in ("Choose words by keyboard", "Fix: this is wrong", "Edit the answer", "Undo", "Next answer"):
        assert words in shown
    visit.press("Escape")
    page.wait_for_selector("dialog", state="detached")


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_the_palette_does_what_one_looks_for(visit: Visit, key: str) -> None:
    page = visit.read()
    visit.press(key)
    visit.write("edit ans")
    assert page.locator("#palette-list li[aria-selected=true]").inner_text().startswith("Edit the answer")
    visit.press("Enter")
    page.wait_for_selector("#edited")


def test_the_palette_searches_answers_and_goes_to_pages(visit: Visit) -> None:
    page = visit.read()
    visit.press("/")
    visit.write("gift number 2")
    visit.press("Enter")
    page.wait_for_selector("#items a[data-id=r-thanks-2][aria-current]")
    visit.press("/")
    visit.write("team")
    visit.press("Enter")
    page.wait_for_url("**/team")


def test_single_keys_can_be_switched_off(visit: Visit) -> None:
    page = visit.read()
    visit.press("?")
    page.get_by_text("Single keys do something").click()
    visit.press("Escape", "e")
    assert page.locator("#edited").count() == 0
    visit.press("Control+k")
    page.wait_for_selector("dialog.palette")


def test_keys_do_nothing_while_one_writes(visit: Visit) -> None:
    page = visit.read()
    visit.press("s")
    visit.write("jdxe?/")
    assert page.input_value("#search") == "jdxe?/"
    assert page.locator("dialog, #edited").count() == 0


def test_an_input_method_never_triggers_a_shortcut(visit: Visit) -> None:
    page = visit.read("r-chinese")
    visit.press("w")
    keyboard = visit.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "taike", "selectionStart": 5, "selectionEnd": 5})
    for kind in ("rawKeyDown", "keyUp"):  # Enter takes the candidate, it does not save the comment
        keyboard.send(
            "Input.dispatchKeyEvent", {"type": kind, "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
        )
    page.evaluate("""() => {
      const way = { isComposing: true, bubbles: true, cancelable: true };
      const press = (place, key) => place.dispatchEvent(new KeyboardEvent("keydown", { key, ...way }));
      for (const key of ["Enter", "Escape", "f"]) press(document.querySelector(".composer textarea"), key);
      for (const key of ["j", "d", "e", "?"]) press(document.body, key);
    }""")
    keyboard.send("Input.insertText", {"text": "太客气了"})
    assert page.input_value(".composer textarea") == "太客气了"
    assert page.locator("dialog, #edited").count() == 0
    assert page.get_attribute("#items a[aria-current]", "data-id") == "r-chinese"
    visit.press("Enter")
    visit.said("太客气了")


def test_escape_closes_and_keeps_the_words(visit: Visit) -> None:
    page = visit.read("r-thanks-1")
    visit.press("w")
    visit.write("Not yet")
    visit.press("Escape")
    assert page.locator(".composer").count() == 0
    visit.press("w")
    assert page.input_value(".composer textarea") == "Not yet"


def test_the_page_is_walked_by_tab_with_the_focus_always_in_sight(visit: Visit) -> None:
    page = visit.read()
    seen = set()
    for _ in range(45):
        visit.press("Tab")
        found = page.evaluate("""() => {
          const one = document.activeElement;
          const style = getComputedStyle(one);
          const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
          return [one.id || one.className || one.tagName, seen, one === document.body];
        }""")
        if found[2]:
            break
        seen.add(found[0])
        assert found[1], f"no focus to be seen on {found[0]}"
    assert {"search", "order", "text", "open-keys"} <= seen


@pytest.fixture
def talkative(site: Site) -> Site:
    """A team that has said this and that, and does not agree."""
    bo = review.add_reviewer(site.store, "Bo", "reviewer")
    for number, response in enumerate(site.store.responses()):
        for person, verdict in ((site.lead, "good"), (bo, ("good", "bad")[number % 2]), (site.reviewer, "needs_work")):
            review.set_verdict(site.store, person, response.id, verdict)
        form = review.CommentForm(
            key=response.id, text=f"The tone is too stiff, line {number}.", response_id=response.id, spans=((0, 8),)
        )
        review.save_comment(site.store, bo, form)
    review.set_guideline(site.store, site.lead, "# Look for\n\n- promises\n- *tone*", 0)
    return site


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(talkative: Site, visiting: Visiting, path: str, theme: str) -> None:
    visit = visiting(color_scheme=theme)
    page = visit.go(path)
    page.wait_for_selector("[data-mode] #text, #view > *:not(.loading)")
    faults = violations(visit)
    if path.startswith("/?"):
        visit.press("f")
        page.wait_for_selector(".composer")
        faults += violations(visit)
        for key in ("Escape", "r", "e", "?"):
            visit.press(key)
        page.wait_for_selector("#edited")
        faults += violations(visit)
    assert faults == []


def violations(visit: Visit) -> list[str]:
    found = Axe().run(visit.page).response["violations"]
    return [
        f"{item['id']} ({item['impact']}): {node['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_overflows_a_narrow_screen(talkative: Site, visiting: Visiting, language: str) -> None:
    review.set_language(talkative.store, talkative.lead.id, language)
    visit = visiting(viewport=NARROW)
    for path in PAGES:
        page = visit.go(path)
        page.wait_for_selector("[data-mode] #text, #view > *:not(.loading)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_one_can_comment_with_a_finger_on_a_telephone(visiting: Visiting) -> None:
    visit = visiting(viewport=NARROW, has_touch=True, is_mobile=True)
    page = visit.read("r-thanks-1")
    page.get_by_role("button", name="Comment", exact=True).tap()
    page.get_by_label("Your comment, in your own words").fill("Written on a train.")
    page.get_by_role("button", name="Save").tap()
    visit.said("Written on a train.")


def test_whoever_wants_less_motion_gets_none(visiting: Visiting) -> None:
    visit = visiting(reduced_motion="reduce")
    page = visit.read()
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter((one) => {
      const style = getComputedStyle(one);
      const moves = style.transitionDuration.split(",").some((time) => parseFloat(time) > 0);
      return (moves && style.transitionProperty !== "none") || style.animationName !== "none";
    }).map((one) => one.className)""")
    assert moving == []
