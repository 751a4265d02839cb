// The command palette: every command by its name, and the pages.
import { dialog, h, kbd } from "./dom.js";
import { commands, composing, shown } from "./keys.js";
import { t } from "./messages.js";

let extra = () => [];
export const offer = (more) => {
  extra = more;
};

export function openPalette() {
  const list = h("ul", { id: "palette-list", role: "listbox", "aria-label": t("commands") });
  const input = h("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "aria-label": t("palette_hint"),
    placeholder: t("palette_hint"),
  });
  const box = dialog("palette", t("commands"), input, list);
  let chosen = 0;
  let shownNow = [];
  const run = (item) => {
    box.close();
    item.run({ palette: true });
  };
  const show = () => {
    shownNow = matching(input.value);
    chosen = Math.max(0, Math.min(chosen, shownNow.length - 1));
    list.replaceChildren(
      ...shownNow.map((item, at) =>
        h(
          "li",
          { role: "option", id: `palette-${at}`, "aria-selected": String(at === chosen), onclick: () => run(item) },
          h("span", {}, item.label),
          (item.keys ?? []).slice(0, 2).map((key) => kbd(shown(key))),
        ),
      ),
    );
    if (!shownNow.length)
      list.append(h("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("no_command")));
    input.setAttribute("aria-activedescendant", shownNow.length ? `palette-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => {
    chosen = 0;
    show();
  });
  input.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      chosen = (chosen + step + shownNow.length) % Math.max(1, shownNow.length);
      show();
    }
    if (event.key === "Enter" && shownNow[chosen]) {
      event.preventDefault();
      run(shownNow[chosen]);
    }
  });
  show();
}

function matching(text) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...commands(), ...extra(text.trim())];
  return all.filter((item) => item.always || words.every((word) => item.label.toLowerCase().includes(word)));
}
