// What the smaller pages share: waiting, being empty, failing; and a picture of an estimate with its interval.
import { Offline, Refused } from "./api.js";
import { $, h, svg } from "./dom.js";
import { decimal, t } from "./messages.js";

// Shows what `draw` makes of the answer; says why there is none, with a way to try again.
export async function view(ask, draw, { wanted = () => true } = {}) {
  const place = $("view");
  place.setAttribute("aria-busy", "true");
  try {
    const found = await ask();
    if (wanted()) place.replaceChildren(...[draw(found)].flat().filter(Boolean));
  } catch (error) {
    if (!(error instanceof Offline || error instanceof Refused)) throw error;
    if (!wanted()) return;
    place.replaceChildren(
      h(
        "div",
        { class: "blank" },
        h("h2", {}, error instanceof Offline ? t("no_connection") : error.message),
        h("button", { type: "button", class: "primary", onclick: () => view(ask, draw, { wanted }) }, t("try_again")),
      ),
    );
  } finally {
    place.removeAttribute("aria-busy");
  }
}

export const empty = (title, words, ...more) => h("div", { class: "blank" }, h("h2", {}, title), h("p", {}, words), more);
export const panel = (title, note, ...content) =>
  h("section", { class: "panel" }, h("h2", {}, title), note && h("p", { class: "hint" }, note), content);

// A dot for the estimate, a line for its interval, on the scale from `low` to `high`.
export function interval(found, { low = -0.2, high = 1 } = {}) {
  if (!found) return h("span", { class: "faint" }, t("too_few"));
  if (found.low === null) return h("span", { class: "faint" }, t("no_interval", { value: decimal(found.alpha) }));
  const x = (value) => 4 + (192 * (Math.max(low, Math.min(high, value)) - low)) / (high - low);
  const words = t("interval", { value: decimal(found.alpha), low: decimal(found.low), high: decimal(found.high) });
  const picture = svg(
    "svg",
    { viewBox: "0 0 200 20", class: "interval", role: "img", "aria-label": words },
    svg("line", { x1: x(low), x2: x(high), y1: 10, y2: 10, class: "axis" }),
    svg("line", { x1: x(0), x2: x(0), y1: 5, y2: 15, class: "axis" }),
    svg("line", { x1: x(found.low), x2: x(found.high), y1: 10, y2: 10, class: "range" }),
    svg("circle", { cx: x(found.alpha), cy: 10, r: 4.5 }),
  );
  return h("span", { class: "estimate" }, picture, h("span", { class: "figures" }, words));
}

export function table(caption, heads, rows) {
  return h(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}
