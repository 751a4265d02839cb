// Writing a comment: a kind, words, and how far they reach. Every keystroke is kept.
import { h, newKey } from "./dom.js";
import { keepDraft } from "./drafts.js";
import { hints, personalHint } from "./hints.js";
import { composing } from "./keys.js";
import { t } from "./messages.js";
import { quoteOf, shortened } from "./card.js";
import { KINDS, now, tell } from "./state.js";

const SEVERITIES = ["minor", "major", "critical"];
const REACHES = ["this", "kind", "always"];

export const fresh = (kind, spans = []) => ({
  key: newKey(),
  text: "",
  kind,
  severity: null,
  reach: "this",
  scope_text: "",
  spans,
  editing: null,
  confirmed_private: false,
});
export const formOf = (comment) => ({
  ...fresh(
    comment.kind,
    comment.spans.map(({ start, end }) => ({ start, end })),
  ),
  text: comment.text,
  severity: comment.severity,
  reach: comment.reach ?? "this",
  scope_text: comment.scope_text ?? "",
  editing: comment.id,
});

// Returns {element, focus, setKind, setSeverity, addSpan, warn}; "save" and "close" are what the buttons and keys do.
export function composer(form, { save, close }) {
  const response = now.detail.id;
  const keep = () => keepDraft(response, "comment", form);
  const area = h("textarea", { rows: 3, "aria-label": t("comment_words"), placeholder: t(`placeholder_${form.kind}`), spellcheck: true });
  area.value = form.text;
  const similar = h("div", { class: "hints" });
  const personal = h("div", { class: "hints" });
  const ask = hints((often, found) => {
    similar.replaceChildren(often ?? "");
    if (!form.refused) personal.replaceChildren(found ?? "");
    tell("place");
  });
  const where = h("input", {
    type: "text",
    value: form.scope_text,
    placeholder: t("where_words"),
    "aria-label": t("where_words"),
    hidden: !form.scope_text,
    oninput: () => {
      form.scope_text = where.value;
      keep();
    },
  });
  const reach = choice(
    t("reach"),
    [...REACHES.map((name) => [name, t(`reach_${name}`)]), ["words", t("reach_words")]],
    form.scope_text ? "words" : form.reach,
    (value) => {
      form.reach = value === "words" ? "kind" : value;
      where.hidden = value !== "words";
      if (where.hidden) form.scope_text = where.value = "";
      else where.focus();
      keep();
    },
  );
  const severity = choice(
    t("severity"),
    [["", t("severity_none")], ...SEVERITIES.map((name) => [name, t(`severity_${name}`)])],
    form.severity ?? "",
    (value) => {
      form.severity = value || null;
      keep();
    },
  );
  const kinds = h("div", { class: "segments kinds", role: "group", "aria-label": t("kind") });
  const quotes = h("div", { class: "quotes" });
  const submit = h("button", { type: "button", class: "primary", onclick: () => save(form) });
  const drawKinds = () => {
    kinds.replaceChildren(
      ...KINDS.map((kind) =>
        h(
          "button",
          {
            type: "button",
            class: kind,
            "aria-pressed": String(kind === form.kind),
            title: `Alt+${kind === "keep" ? "P" : kind[0].toUpperCase()}`,
            onclick: () => self.setKind(kind),
          },
          t(`kind_${kind}`),
        ),
      ),
    );
    area.placeholder = t(`placeholder_${form.kind}`);
  };
  const drawQuotes = () => {
    quotes.replaceChildren(
      ...form.spans.map((span, at) =>
        h(
          "blockquote",
          { class: form.kind },
          shortened(quoteOf(span)),
          h(
            "button",
            {
              type: "button",
              class: "quiet small",
              "aria-label": t("remove_span"),
              onclick: () => {
                form.spans.splice(at, 1);
                self.changed();
                area.focus();
              },
            },
            "×",
          ),
        ),
      ),
    );
    if (!form.spans.length) quotes.replaceChildren(h("p", { class: "faint" }, t("whole_answer")));
  };
  const drawSubmit = () =>
    submit.replaceChildren(t(form.confirmed_private ? "save_anyway" : "save"), h("kbd", { "aria-hidden": "true" }, "⏎"));

  const element = h(
    "form",
    { class: "card composer", "aria-label": t(form.editing ? "edit_comment" : "new_comment"), onsubmit: (event) => event.preventDefault() },
    kinds,
    quotes,
    area,
    personal,
    similar,
    h("div", { class: "pair" }, reach, severity),
    where,
    h(
      "footer",
      {},
      h("button", { type: "button", class: "quiet", onclick: close }, t("cancel"), h("kbd", { "aria-hidden": "true" }, "Esc")),
      h("span", { class: "grow" }),
      submit,
    ),
  );

  area.addEventListener("input", () => {
    form.text = area.value;
    if (form.refused) {
      form.refused = form.confirmed_private = false;
      personal.replaceChildren();
      drawSubmit();
    }
    keep();
    ask(form.text, () => form.scope_text);
  });
  element.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    const inField = event.target === area || event.target === where;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (inField && !event.shiftKey && !event.altKey))) {
      event.preventDefault();
      save(form);
    } else if (event.altKey && !event.ctrlKey && !event.metaKey) alt(event);
  });
  const alt = (event) => {
    const kind = { KeyF: "fix", KeyP: "keep", KeyQ: "question", KeyC: "concern" }[event.code];
    const step = { Digit0: 0, Digit1: 1, Digit2: 2, Digit3: 3 }[event.code];
    if (!kind && step === undefined) return;
    event.preventDefault();
    if (kind) self.setKind(kind);
    else self.setSeverity(step);
  };
  const self = {
    element,
    form,
    response,
    focus: () => {
      area.focus();
      area.setSelectionRange(area.value.length, area.value.length);
    },
    setKind: (kind) => {
      form.kind = kind;
      self.changed();
      area.focus();
    },
    setSeverity: (step) => {
      form.severity = SEVERITIES[step - 1] ?? null;
      severity.querySelector("select").value = form.severity ?? "";
      keep();
    },
    addSpan: (span) => {
      form.spans.push(span);
      self.changed();
    },
    changed: () => {
      drawKinds();
      drawQuotes();
      if (form.text || form.spans.length) keep();
      tell("painted");
    },
    warn: (message, found) => {
      form.refused = true;
      form.confirmed_private = Boolean(found);
      personal.replaceChildren(
        found ? personalHint(`${form.text}\n${form.scope_text}`.trimEnd(), found) : h("p", { class: "notice bad", role: "alert" }, message),
      );
      drawSubmit();
      tell("place");
    },
  };
  drawKinds();
  drawQuotes();
  drawSubmit();
  if (form.text) ask(form.text, () => form.scope_text);
  return self;
}

function choice(label, options, value, change) {
  const select = h(
    "select",
    { onchange: () => change(select.value) },
    options.map(([name, words]) => h("option", { value: name }, words)),
  );
  select.value = value;
  return h("label", { class: "choice" }, h("span", { class: "unseen" }, label), select);
}
