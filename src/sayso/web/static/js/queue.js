// The list of answers at the left, and where in it we are.
import { get } from "./api.js";
import { $, h, later } from "./dom.js";
import { hasDraft } from "./drafts.js";
import { number, t } from "./messages.js";
import { asked } from "./shell.js";

const AHEAD = 5;
const list = { items: [], next: null, total: 0, at: -1 };
const details = new Map(); // answers fetched ahead, so that the next one is there at once
let open = () => {};
let asking = 0;

export const query = () => ({
  order: $("order").value,
  state: $("state").value,
  version: $("version").value,
  search: $("search").value.trim(),
});
export const items = () => list.items;
export const where = () => ({ at: list.at, total: list.total });

export function queue(opener) {
  open = opener;
  const again = () => {
    // The server reads it: the next page comes with the answer that is first in this order.
    document.cookie = `sayso_queue=${$("order").value}.${$("state").value}; path=/; max-age=31536000; samesite=strict`;
    return load({ first: true });
  };
  for (const name of ["order", "state", "version"]) $(name).addEventListener("change", again);
  $("search").addEventListener("input", later(again, 180));
  $("items-more").addEventListener("click", () => load({ more: true }));
  $("items").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-id]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    $("review").classList.remove("listing");
    open(link.dataset.id);
  });
}

export function versions(found, chosen = "") {
  $("version").append(
    ...found
      .filter((item) => item.version)
      .map((item) => h("option", { value: item.version }, t("version_n", { version: item.version, n: number(item.responses) }))),
  );
  $("version").value = chosen;
  $("version").parentElement.hidden = found.length < 2;
}

// Takes what came with the page.
export function given({ order, state, queue: answer }) {
  Object.assign($("order"), { value: order });
  Object.assign($("state"), { value: state });
  Object.assign(list, { items: answer.items, next: answer.next, total: answer.total, more: answer.at_least });
  draw();
}

// Fetches the list from its top, or the next part of it; "first" opens its first answer.
export async function load({ more = false, first = false } = {}) {
  const mine = (asking += 1);
  $("items").setAttribute("aria-busy", "true");
  const answer = await asked(get("/api/queue", { ...query(), limit: 50, after: more ? list.next : "" }));
  if (mine !== asking) return;
  $("items").removeAttribute("aria-busy");
  if (!answer) return;
  list.items = more ? [...list.items, ...answer.items] : answer.items;
  Object.assign(list, { next: answer.next, total: answer.total, more: answer.at_least });
  if (!more) list.at = -1;
  draw();
  if (first) open(list.items[0]?.id ?? null);
}

export async function step(by) {
  if (by > 0 && list.at >= list.items.length - AHEAD && list.next) await load({ more: true });
  const to = list.items[list.at + by];
  if (to) open(to.id);
  else if (by > 0) open(null);
}

export function here(id) {
  list.at = list.items.findIndex((item) => item.id === id);
  for (const link of $("items").querySelectorAll("a")) {
    if (link.dataset.id === id) {
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({ block: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}

export function update(id, changes) {
  const item = list.items.find((one) => one.id === id);
  if (!item) return;
  Object.assign(item, changes);
  $("items")
    .querySelector(`a[data-id="${CSS.escape(id)}"]`)
    ?.parentElement.replaceWith(row(item));
  here(list.items[list.at]?.id);
}

export async function fetched(id) {
  const ready = details.get(id);
  details.delete(id);
  return ready ?? get(`/api/responses/${encodeURIComponent(id)}`);
}

export function ahead() {
  for (const by of [1]) {
    const id = list.items[list.at + by]?.id;
    if (!id || details.has(id)) continue;
    const promise = get(`/api/responses/${encodeURIComponent(id)}`);
    promise.catch(() => details.delete(id)); // asked for again, and reported, when it is opened
    details.set(id, promise);
  }
}

export const forget = (ids) => {
  for (const id of ids) details.delete(id);
};

function draw() {
  $("items").replaceChildren(...list.items.map(row));
  $("items-more").hidden = !list.next;
  const asks = query();
  $("items-note").textContent = list.total
    ? t(list.more ? "more_answers" : "n_answers", { n: number(list.total) })
    : t(asks.search ? "nothing_found" : asks.state === "todo" ? "all_done" : "no_answers");
}

function row(item) {
  const mark = item.my_state === "done" ? "✓" : item.my_state === "skipped" ? "–" : "";
  return h(
    "li",
    { class: item.my_state },
    h(
      "a",
      { href: `/?response=${encodeURIComponent(item.id)}`, dataset: { id: item.id } },
      h("span", { class: "ask" }, item.prompt),
      h("span", { class: "head" }, item.head),
      h(
        "span",
        { class: "meta" },
        mark && h("span", { class: "mark", title: t(`state_${item.my_state}`) }, mark),
        item.version && h("span", {}, item.version),
        hasDraft(item.id) && h("span", { class: "draft" }, t("draft")),
        h("span", { class: "grow" }),
        item.comments ? h("span", { class: "n", title: t("n_comments", { n: item.comments }) }, `${number(item.comments)} ✎`) : "",
      ),
    ),
  );
}
