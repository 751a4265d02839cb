// The answer: its text with the comments' spans underlined, or rendered for reading.
import { $, cleaned, h } from "./dom.js";
import { t } from "./messages.js";
import { rangeOf, selected, toUnits } from "./offsets.js";
import { now, standing, tell, VERDICTS } from "./state.js";

const LAYERS = 4;

export function showHead({ judge }) {
  const { detail } = now;
  const verdict = h(
    "div",
    { class: "segments verdict", role: "group", "aria-label": t("verdict") },
    VERDICTS.map((name) =>
      h(
        "button",
        {
          type: "button",
          class: name,
          "aria-pressed": String(detail.verdict === name),
          onclick: () => judge(detail.verdict === name ? null : name),
        },
        t(`verdict_${name}`),
      ),
    ),
  );
  const views = h(
    "div",
    { class: "segments", role: "group", "aria-label": t("view") },
    ["text", "markdown"].map((name) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(now.view === name),
          onclick: () => {
            now.view = name;
            tell("view");
          },
        },
        t(`view_${name}`),
      ),
    ),
  );
  $("answer-head").replaceChildren(
    ...[
      h("h2", {}, t("answer")),
      h("span", { class: "version" }, detail.version || t("version_unknown")),
      detail.state !== "todo" && h("span", { class: `state ${detail.state}` }, t(`state_${detail.state}`)),
      detail.resolution &&
        h(
          "span",
          { class: "state decided" },
          t("decided_by", { name: detail.resolution.by, verdict: t(`verdict_${detail.resolution.verdict}`) }),
          detail.resolution.reason ? ` — ${detail.resolution.reason}` : "",
        ),
      h("span", { class: "grow" }),
      now.mode === "read" ? views : null,
      verdict,
    ].filter(Boolean),
  );
}

export function showAnswer() {
  if (now.view === "markdown") {
    $("stage").replaceChildren(cleaned(now.detail.html, { class: "prose text rendered" }));
    return;
  }
  // What came with the page stays: somebody may be choosing words in it already.
  const early = $("stage").querySelector("#text[data-drawing]");
  const text =
    early?.textContent === now.detail.text
      ? early
      : h("div", { class: "text", id: "text", tabIndex: 0, role: "document", "aria-label": t("answer_text") });
  paint(text);
  if (text !== early) $("stage").replaceChildren(text);
}

// Underlines in layers: where spans overlap each has its own line, so that every one can be followed.
export function paint(element = $("text")) {
  if (!element) return;
  const { text } = now.detail;
  const spans = spansOf(text);
  const drawing = JSON.stringify(spans);
  if (element.dataset.drawing === drawing) return;
  element.dataset.drawing = drawing;
  const cuts = [...new Set([0, text.length, ...spans.flatMap((span) => [span.start, span.end])])].sort((a, b) => a - b);
  const parts = [];
  for (let at = 0; at + 1 < cuts.length; at += 1) {
    const [start, end] = [cuts[at], cuts[at + 1]];
    const over = spans.filter((span) => span.start <= start && span.end >= end);
    parts.push(stretch(text.slice(start, end), over));
    parts.push(...spans.filter((span) => span.end === end && span.number).map(sign));
  }
  const chosen = selected(element); // what somebody has just selected stays so when others' comments come in
  element.replaceChildren(...parts);
  if (!chosen) return;
  const range = rangeOf(element, chosen.start, chosen.end);
  getSelection().setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
}

function spansOf(text) {
  const all = standing().flatMap((item) => item.spans.map((span) => ({ ...span, id: item.id, kind: item.kind, number: item.number })));
  if (now.form) all.push(...now.form.spans.map((span) => ({ ...span, id: "form", kind: now.form.kind, number: 0 })));
  const found = all
    .map((span) => ({ ...span, start: toUnits(text, span.start), end: toUnits(text, span.end) }))
    .filter((span) => span.start < span.end);
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const ends = [];
  for (const span of found) {
    const free = ends.findIndex((end) => end <= span.start);
    span.layer = free >= 0 ? free : ends.length;
    ends[span.layer] = span.end;
  }
  return found;
}

function stretch(words, over) {
  if (!over.length) return document.createTextNode(words);
  let inner = document.createTextNode(words);
  for (const span of [...over].sort((a, b) => b.layer - a.layer)) {
    const on = span.id === now.active || span.id === "form" ? " on" : "";
    inner = h("span", { class: `under ${span.kind} layer${Math.min(span.layer, LAYERS - 1)}${on}`, dataset: { id: span.id } }, inner);
  }
  return inner;
}

// The number is drawn by the style sheet: it is no part of the text that is selected and counted.
const sign = (span) =>
  h("span", {
    class: `sign ${span.kind}${span.id === now.active ? " on" : ""}`,
    dataset: { n: String(span.number), id: span.id },
    "aria-hidden": "true",
  });

// Where a comment's words begin on the screen.
export const markOf = (id) => $("text")?.querySelector(`.under[data-id="${CSS.escape(id)}"]`) ?? null;

export function point(id) {
  if (now.active === id) return;
  now.active = id;
  for (const mark of document.querySelectorAll("#text [data-id]"))
    mark.classList.toggle("on", mark.dataset.id === id || mark.dataset.id === "form");
  for (const card of document.querySelectorAll("#margin .card[data-id]")) card.classList.toggle("on", card.dataset.id === id);
}
