// The prompt above the answer, its turns drawn as a chat.
import { $, cleaned, h } from "./dom.js";
import { t } from "./messages.js";

const TALL = 360; // pixels; a longer prompt is folded

export function showPrompt(prompt) {
  const turns = prompt.messages.map((turn) =>
    h(
      "article",
      { class: `turn ${turn.role}` },
      h("h2", { class: "role" }, t(`role_${turn.role}`)),
      turn.html ? cleaned(turn.html, { class: "prose" }) : h("div", { class: "prose plain" }, turn.content),
    ),
  );
  const box = h("div", { class: "turns" }, turns);
  $("prompt").replaceChildren(box);
  if (box.scrollHeight <= TALL * 1.3) return;
  box.classList.add("folded");
  const more = h(
    "button",
    {
      type: "button",
      class: "quiet more",
      "aria-expanded": "false",
      onclick: () => {
        const folded = box.classList.toggle("folded");
        more.setAttribute("aria-expanded", String(!folded));
        more.textContent = t(folded ? "show_all" : "show_less");
      },
    },
    t("show_all"),
  );
  $("prompt").append(more);
}
