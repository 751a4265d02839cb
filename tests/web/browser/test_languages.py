"""English and Chinese, switched by one key and remembered."""

from __future__ import annotations

import re

import pytest
from tests.web.browser.conftest import Visit, Visiting

pytestmark = pytest.mark.slow
PAGES = ("/?response=r-chinese", "/ab", "/overview", "/guideline", "/adjudicate", "/team")
NAMES = re.compile(r"sayso|Ada|Esc|Alt|Ctrl|Markdown|lost\.json")


def test_the_language_is_switched_by_one_key_and_remembered(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.read()
    visit.press("l")
    page.wait_for_selector("html[lang=zh-Hans] [data-mode] #text")
    assert page.inner_text("#actions .primary").startswith("完成")
    elsewhere = visiting()
    elsewhere.read()
    assert elsewhere.page.get_attribute("html", "lang") == "zh-Hans"
    elsewhere.page.locator("#switch-language").click()
    elsewhere.page.wait_for_selector("html[lang=en] [data-mode] #text")


def test_a_chinese_browser_is_answered_in_chinese(visiting: Visiting) -> None:
    visit = visiting(locale="zh-CN")
    visit.read()
    assert visit.page.get_attribute("html", "lang") == "zh-Hans"


@pytest.mark.parametrize("path", PAGES)
def test_no_english_is_left_on_a_chinese_page(visiting: Visiting, path: str) -> None:
    visit = visiting(locale="zh-CN")
    page = visit.go(path)
    page.wait_for_selector("[data-mode] #text, #view > *:not(.loading)")
    said = page.evaluate("""() => {
      const words = "h1, h2, h3, nav a, label, legend, dt, thead th, .hint, .role, .blank p";
      const ours = `${words}, button, .button, #order, #state, input, textarea`;
      const theirs = "#items, .themes, .case h2, fieldset label, #work .card";
      const found = [...document.querySelectorAll(ours)].filter((one) => !one.closest(theirs));
      return found.flatMap((one) => [one.innerText ?? "", one.ariaLabel ?? "", one.title ?? "", one.placeholder ?? ""]);
    }""")
    assert len([text for text in said if re.search(r"[\u4e00-\u9fff]", text)]) > 10
    assert [text for text in said if re.search(r"[A-Za-z]{3,}", NAMES.sub("", text))] == []


def test_errors_of_the_server_are_said_in_the_readers_language(visiting: Visiting) -> None:
    visit = visiting(locale="zh-CN")
    visit.expected.append("404")
    page = visit.go("/?response=r-nowhere")
    page.wait_for_selector("#blank button:text('重试')")
    assert re.search(r"[\u4e00-\u9fff]", page.inner_text("#blank h2"))


def test_dark_and_light_follow_the_system_until_one_chooses(visiting: Visiting) -> None:
    visit: Visit = visiting(color_scheme="dark")
    page = visit.read()
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(paper)
    visit.press("t")
    light = page.evaluate(paper)
    assert light != dark
    page.reload()
    page.wait_for_selector("[data-mode] #text")
    assert page.evaluate(paper) == light
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == light
    visit.press("t")
    assert page.evaluate(paper) == dark
