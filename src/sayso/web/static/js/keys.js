// Single keys for everything; none while composing, while writing, or when they are switched off.
import { dialog, h, kbd, titled } from "./dom.js";
import { t } from "./messages.js";

const bound = [];
const OFF = "sayso.keys.off";
export const commands = () => bound.filter((item) => item.label && (!item.when || item.when()));

export function bind(group, list) {
  for (const [keys, label, run, when] of list) bound.push({ group, keys: [keys].flat(), label, run, when });
}

export const composing = (event) => event.isComposing || event.keyCode === 229;
export const writing = (node) =>
  Boolean(node?.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]"));

function press(event) {
  if (composing(event) || event.defaultPrevented) return;
  const palette = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  const open = document.querySelector("dialog[open]");
  if (palette && !open) return take(event, "Ctrl+K");
  if (event.ctrlKey || event.metaKey || event.altKey || open || writing(event.target)) return undefined;
  if (localStorage.getItem(OFF) && event.key !== "?") return undefined;
  return take(event, event.key);
}

function take(event, key) {
  const found = bound.find((item) => item.keys.includes(key) && (!item.when || item.when()));
  if (!found) return;
  event.preventDefault();
  found.run(event);
}

export function showKeys() {
  const groups = new Map();
  for (const item of bound) if (item.label && item.keys.length) groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  const columns = [...groups].map(([group, items]) =>
    h(
      "section",
      {},
      h("h3", {}, group),
      h(
        "dl",
        {},
        items.map((item) =>
          h(
            "div",
            {},
            h(
              "dt",
              {},
              item.keys.map((key) => kbd(shown(key))),
            ),
            h("dd", {}, item.label),
          ),
        ),
      ),
    ),
  );
  const off = h("input", {
    type: "checkbox",
    checked: !localStorage.getItem(OFF),
    onchange: () => {
      if (off.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    },
  });
  dialog(
    "keys",
    t("keys"),
    titled(t("keys"), t("close")),
    h("div", { class: "key-columns" }, columns),
    h("label", { class: "check" }, off, t("single_keys")),
  );
}

const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "␣", Escape: "Esc" };
export const shown = (key) => NAMES[key] ?? key;

addEventListener("keydown", press);
