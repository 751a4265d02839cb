// Said before sending: that one has said this often, and that it holds somebody's data.
import { call, get, Offline, Refused } from "./api.js";
import { h, later, newKey, toast } from "./dom.js";
import { number, t } from "./messages.js";
import { toUnits } from "./offsets.js";

const OFTEN = 2;
const PATIENCE = 3000; // milliseconds; who has pressed Enter does not wait longer for a hint

const quietly = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Offline || error instanceof Refused) return null; // a hint that cannot be had is none
    throw error;
  }
};

// The personal data in a text; none where nobody can be asked: the server looks again before it keeps anything.
export const personal = async (text) =>
  (await quietly(call("POST", "/api/comments/private-check", { text }, { patience: PATIENCE })))?.found ?? [];

// Calls show(node or null) for what is known about a text, a moment after the last keystroke.
export function hints(show) {
  let latest = 0;
  return later(async (text, scope) => {
    const asked = (latest += 1);
    if (text.trim().length < 4) return show(null, null);
    const [similar, found] = await Promise.all([quietly(get("/api/similar", { text })), personal(text)]);
    if (asked !== latest) return undefined;
    const often = similar?.items?.find((item) => item.n >= OFTEN);
    return show(often ? standingHint(often, scope) : null, found.length ? personalHint(text, found) : null);
  }, 450);
}

function standingHint(often, scope) {
  const box = h("div", { class: "notice" });
  const key = newKey();
  const ask = () => {
    const where = h("input", { type: "text", value: scope(), placeholder: t("standing_where"), "aria-label": t("standing_where") });
    const save = async () => {
      try {
        await call("POST", "/api/standing", { key, text: often.text, scope_text: where.value.trim() });
        box.replaceChildren(h("p", {}, t("standing_made")));
      } catch (error) {
        if (!(error instanceof Offline || error instanceof Refused)) throw error;
        toast(error instanceof Offline ? t("no_connection") : error.message, { bad: true });
      }
    };
    box.replaceChildren(h("p", {}, often.text), where, h("button", { type: "button", class: "small", onclick: save }, t("standing_save")));
    where.focus();
  };
  box.append(
    h("p", {}, t("said_before", { n: number(often.n) })),
    h("button", { type: "button", class: "small quiet", onclick: ask }, t("standing_make")),
  );
  return box;
}

export function personalHint(text, found) {
  const parts = [];
  let at = 0;
  for (const find of [...found].sort((a, b) => a.start - b.start)) {
    const [start, end] = [toUnits(text, find.start), toUnits(text, find.end)];
    if (start < at) continue;
    parts.push(text.slice(at, start), h("mark", {}, text.slice(start, end)));
    at = end;
  }
  parts.push(text.slice(at));
  const kinds = [...new Set(found.map((find) => t(`private_${find.kind}`)))].join(t("comma"));
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, h("b", {}, t("private_found", { kinds }))),
    h("p", { class: "private-text" }, parts),
    h("p", { class: "faint" }, t("private_advice")),
  );
}
