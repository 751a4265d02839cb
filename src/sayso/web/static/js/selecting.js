// Choosing words: by mouse or finger (a small bar appears), and by keyboard (a mode that walks by words and sentences).
import { $, announce, h, kbd, later } from "./dom.js";
import { composing } from "./keys.js";
import { t } from "./messages.js";
import { rangeOf, selected, toPoints } from "./offsets.js";
import { KINDS, now } from "./state.js";
import { steps } from "./words.js";

const LETTERS = { fix: "f", keep: "p", question: "q", concern: "c" };
const walk = { on: false, words: [], sentences: [], anchor: 0, focus: 0 };
let begin = () => {};

// `start(kind or null, span)`: null adds the span to the comment being written.
export function choosing(start) {
  begin = start;
  document.addEventListener("selectionchange", later(offer, 120));
  addEventListener("scroll", later(offer, 60), { passive: true });
  $("pick").addEventListener("pointerdown", (event) => event.preventDefault()); // pressing a button keeps the selection
  document.addEventListener("keydown", step);
}

// The chosen stretch in code points, or null.
export function chosen() {
  const text = $("text");
  const found = text ? selected(text) : rendered();
  return found ? { start: toPoints(now.detail.text, found.start), end: toPoints(now.detail.text, found.end) } : null;
}

// Words chosen in the rendered view, if the text has exactly them exactly once.
function rendered() {
  const selection = getSelection();
  const words = selection.toString().trim();
  if (!words || !$("stage").contains(selection.anchorNode)) return null;
  const start = now.detail.text.indexOf(words);
  return start < 0 || now.detail.text.includes(words, start + 1) ? null : { start, end: start + words.length };
}

// Shows the small bar where words are chosen.
export function offer() {
  const bar = $("pick");
  const span = now.mode === "read" && now.detail ? chosen() : null;
  bar.hidden = !span;
  if (!span) return;
  const kinds = KINDS.map((kind) =>
    h("button", { type: "button", class: kind, onclick: () => use(kind) }, t(`kind_${kind}`), kbd(LETTERS[kind])),
  );
  bar.replaceChildren(...(now.form ? [h("button", { type: "button", onclick: () => use(null) }, t("add_span"), kbd("+"))] : kinds));
  const rect =
    [...getSelection().getRangeAt(0).getClientRects()].filter((box) => box.width).at(-1) ??
    getSelection().getRangeAt(0).getBoundingClientRect();
  const below = rect.bottom + 8 + bar.offsetHeight < innerHeight - 70;
  bar.style.top = `${scrollY + (below ? rect.bottom + 8 : rect.top - bar.offsetHeight - 8)}px`;
  bar.style.left = `${Math.max(8, Math.min(rect.left, innerWidth - bar.offsetWidth - 12))}px`;
}

function use(kind) {
  const span = chosen();
  if (span) begin(kind, span);
}

export function leave() {
  walk.on = false;
  $("text")?.classList.remove("walking");
  getSelection().removeAllRanges();
  $("pick").hidden = true;
}

export function enter() {
  const text = $("text");
  if (!text) return;
  walk.words = steps(now.detail.text, "word");
  walk.sentences = steps(now.detail.text, "sentence");
  if (!walk.words.length) return;
  const here = selected(text);
  walk.on = true;
  walk.anchor = here ? nearest(here.start) : 0;
  walk.focus = here ? nearest(here.end - 1) : walk.anchor;
  text.classList.add("walking");
  text.focus({ preventScroll: true });
  mark(t("select_mode"));
}

const nearest = (unit) => {
  const at = walk.words.findIndex(([, end]) => end > unit);
  return at < 0 ? walk.words.length - 1 : at;
};

function step(event) {
  if (!walk.on || composing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  const last = walk.words.length - 1;
  const to = {
    ArrowRight: Math.min(last, walk.focus + 1),
    ArrowLeft: Math.max(0, walk.focus - 1),
    ArrowDown: sentence(1),
    ArrowUp: sentence(-1),
    Home: 0,
    End: last,
  }[event.key];
  if (event.key === "Escape") {
    event.preventDefault();
    leave();
    return;
  }
  if (event.key === " ") {
    event.preventDefault();
    whole();
    return;
  }
  if (to === undefined || document.activeElement !== $("text")) return;
  event.preventDefault();
  const forward = event.shiftKey && event.key === "ArrowDown";
  walk.focus = forward ? sentenceEnd(walk.focus) : to;
  if (!event.shiftKey) walk.anchor = walk.focus;
  mark();
}

const sentenceAt = (word) => walk.sentences.findIndex(([, end]) => end > walk.words[word][0]);
function sentence(by) {
  const at = Math.max(0, Math.min(walk.sentences.length - 1, sentenceAt(walk.focus) + by));
  return nearest(walk.sentences[at][0]);
}

// The end of this sentence, or of the next one when this one is chosen to its end.
function sentenceEnd(word) {
  const last = (at) => walk.words.findLastIndex(([start]) => start < walk.sentences[at][1]);
  const at = sentenceAt(word);
  return last(at) > word ? last(at) : last(Math.min(walk.sentences.length - 1, at + 1));
}

function whole() {
  const [start, end] = walk.sentences[sentenceAt(walk.focus)];
  walk.anchor = nearest(start);
  walk.focus = walk.words.findLastIndex(([from]) => from < end);
  mark();
}

function mark(before = "") {
  const text = $("text");
  const [low, high] = [Math.min(walk.anchor, walk.focus), Math.max(walk.anchor, walk.focus)];
  let end = walk.words[high][1];
  const closing = walk.sentences.find(([, at]) => at >= end); // the full stop goes with a sentence chosen whole
  if (closing && closing[0] >= walk.words[low][0] && /^\p{P}*$/u.test(now.detail.text.slice(end, closing[1])) && low !== high)
    [, end] = closing;
  const range = rangeOf(text, walk.words[low][0], end);
  getSelection().setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
  const box = range.getBoundingClientRect();
  if (box.top < 120 || box.bottom > innerHeight - 140) scrollBy({ top: box.top - innerHeight / 2 });
  announce(`${before} ${range.toString()}`.trim());
}
