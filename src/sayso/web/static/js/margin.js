// The cards beside the text: each as near to its words as the others let it.
import { markOf, point } from "./answer.js";
import { card, leftOff, withdrawn } from "./card.js";
import { $, h } from "./dom.js";
import { local } from "./drafts.js";
import { t } from "./messages.js";
import { fallen, now, standing } from "./state.js";

const wide = matchMedia("(min-width: 1100px)");
const GAP = 10;
let acts = {};
let writing = null; // the composer's element: kept, never drawn again while somebody writes in it
let frame = 0;

export function margin(handlers) {
  acts = handlers;
  wide.addEventListener("change", place);
  addEventListener("resize", place);
  new ResizeObserver(place).observe($("stage"));
}

export function host(element) {
  writing?.remove();
  writing = element;
  if (element) $("margin").append(element);
  place();
}

export function showCards() {
  const cards = standing().map((comment) => card(comment, { ...acts, point }));
  const held = document.activeElement?.closest?.("#margin .card")?.dataset.id;
  const rest = fallen().filter((comment) => comment.mine || comment.status === "withdrawn");
  const gone = rest.length
    ? h(
        "details",
        { class: "fallen" },
        h("summary", {}, t("n_withdrawn", { n: rest.length })),
        rest.map((item) => withdrawn(item, acts.reopen)),
      )
    : null;
  const draft = writing ? null : local(now.detail.id).comment;
  const kept = now.detail.others_hidden ? h("p", { class: "hint" }, t("others_hidden")) : null;
  const none = !cards.length && !writing ? h("p", { class: "hint" }, t("no_comments")) : null;
  for (const old of [...$("margin").children]) if (old !== writing) old.remove();
  $("margin").prepend(...[kept, draft && leftOff(draft, acts), ...cards, none, gone].filter(Boolean));
  for (const item of $("margin").children) watched.observe(item);
  if (held)
    $("margin")
      .querySelector(`.card[data-id="${CSS.escape(held)}"]`)
      ?.focus({ preventScroll: true });
  place();
}

const watched = new ResizeObserver(() => place());

export function place() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(arrange);
}

function arrange() {
  const place = $("margin");
  const children = [...place.children];
  if (!wide.matches || now.mode !== "read") {
    place.style.minHeight = "";
    for (const item of children) item.style.top = "";
    place.classList.remove("floating");
    return;
  }
  place.classList.add("floating");
  const origin = place.getBoundingClientRect().top;
  const wish = (item) => {
    const mark = item === writing ? markOf("form") : item.dataset.id && !item.classList.contains("gone") ? markOf(item.dataset.id) : null;
    if (mark) return mark.getBoundingClientRect().top - origin - 6;
    return item === writing
      ? Math.max(0, $("stage").getBoundingClientRect().top - origin)
      : item.matches(".card:not(.gone), .hint")
        ? 0
        : Infinity;
  };
  const order = children
    .map((item, at) => ({ item, at, top: wish(item), tall: item.offsetHeight }))
    .sort((a, b) => a.top - b.top || a.at - b.at);
  lift(order);
  let low = Math.max(0, $("stage").getBoundingClientRect().top - origin);
  for (const box of order) {
    const top = Math.max(low, Number.isFinite(box.top) ? box.top : low);
    box.item.style.top = `${top}px`;
    low = top + box.tall + GAP;
  }
  place.style.minHeight = `${low}px`;
}

// The composer stands at its words; cards before it make room upwards as far as they can.
function lift(order) {
  const at = order.findIndex((box) => box.item === writing);
  let low = order[at]?.top ?? 0;
  for (let i = at - 1; i >= 0; i -= 1) {
    const bottom = order[i].top + order[i].tall + GAP;
    if (bottom > low) order[i].top = Math.max(0, low - order[i].tall - GAP);
    low = order[i].top;
  }
}
