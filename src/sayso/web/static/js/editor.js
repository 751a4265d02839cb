// Writing the answer better: the text, what changed as it changes, and which comments it meets.
import { $, h, later, newKey } from "./dom.js";
import { drawn, changed } from "./diff.js";
import { keepDraft } from "./drafts.js";
import { composing } from "./keys.js";
import { number, t } from "./messages.js";
import { now, standing } from "./state.js";
import { shortened } from "./card.js";

export const begun = (text, addresses = []) => ({ key: newKey(), text, addresses });

export function showEditor(form, { save, close }) {
  const original = now.detail.text;
  const response = now.detail.id;
  const keep = () => keepDraft(response, "answer", form.text === original ? null : form);
  const area = h("textarea", { class: "text", id: "edited", "aria-label": t("edited_answer"), spellcheck: true });
  area.value = form.text;
  const pane = h("div", { class: "pane" });
  const size = h("span", { class: "faint" });
  const draw = () => {
    pane.replaceChildren(form.text === original ? h("p", { class: "hint" }, t("no_change_yet")) : drawn(original, form.text));
    size.textContent = form.text === original ? "" : t("n_changed", { n: number(changed(original, form.text)) });
    submit.disabled = form.text === original || !form.text.trim();
  };
  const soon = original.length + form.text.length > 20000 ? later(draw, 200) : draw;
  const grow = () => {
    area.style.height = "auto";
    area.style.height = `${Math.max(area.scrollHeight + 4, 160)}px`;
  };
  const submit = h(
    "button",
    { type: "button", class: "primary", onclick: () => save(form) },
    t("save_answer"),
    h("kbd", { "aria-hidden": "true" }, "Ctrl ⏎"),
  );
  area.addEventListener("input", () => {
    form.text = area.value;
    keep();
    grow();
    soon();
  });
  const addressed = ticks(form, keep);
  const element = h(
    "div",
    { class: "editor" },
    h(
      "div",
      { class: "panes" },
      h("section", { "aria-label": t("edited_answer") }, h("h3", {}, t("edited_answer")), area),
      h("section", { "aria-label": t("difference") }, h("h3", {}, t("difference"), size), pane),
    ),
    addressed,
    h(
      "footer",
      {},
      h("button", { type: "button", class: "quiet", onclick: close }, t("back"), h("kbd", { "aria-hidden": "true" }, "Esc")),
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            form.text = area.value = original;
            keep();
            grow();
            draw();
            area.focus();
          },
        },
        t("start_over"),
      ),
      h("span", { class: "grow" }),
      submit,
    ),
  );
  element.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !submit.disabled) {
      event.preventDefault();
      save(form);
    }
  });
  $("stage").replaceChildren(element);
  draw();
  grow();
  area.focus();
  area.setSelectionRange(0, 0);
}

function ticks(form, keep) {
  const comments = standing().filter((item) => !item.waiting);
  if (!comments.length) return "";
  return h(
    "fieldset",
    { class: "ticks" },
    h("legend", {}, t("which_met")),
    comments.map((item) => {
      const box = h("input", {
        type: "checkbox",
        checked: form.addresses.includes(item.id),
        onchange: () => {
          form.addresses = box.checked ? [...form.addresses, item.id] : form.addresses.filter((id) => id !== item.id);
          keep();
        },
      });
      return h(
        "label",
        { class: "check" },
        box,
        h("span", { class: `badge ${item.kind}` }, t(`kind_${item.kind}`)),
        h("span", {}, shortened(item.text, 140)),
      );
    }),
  );
}
