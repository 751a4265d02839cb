// What reviewers go by: everybody reads it, a lead writes it; two leads never overwrite one another.
import { call, get, Offline, Refused } from "./api.js";
import { drawn } from "./diff.js";
import { $, announce, cleaned, h, toast } from "./dom.js";
import { bind, composing } from "./keys.js";
import { ago, t } from "./messages.js";
import { empty, view } from "./parts.js";
import { frame, me } from "./shell.js";

const DRAFT = `sayso.draft.${me.id}.guideline`;
let shown = null;
const lead = me.role === "lead";

const load = () =>
  view(
    () => get("/api/guideline"),
    (found) => {
      shown = found;
      return reading();
    },
    { wanted: () => !$("words") }, // who has begun to write meanwhile goes on writing
  );

function reading() {
  const draft = localStorage.getItem(DRAFT);
  if (draft !== null && lead) return editing(JSON.parse(draft));
  const button =
    lead &&
    h(
      "button",
      { type: "button", class: shown.text ? "" : "primary", onclick: write },
      t(shown.text ? "edit" : "write_guideline"),
      h("kbd", { "aria-hidden": "true" }, "e"),
    );
  if (!shown.text) return empty(t("no_guideline"), t(lead ? "no_guideline_lead" : "no_guideline_words"), button);
  return [
    h(
      "div",
      { class: "row by" },
      h("span", { class: "faint" }, t("written", { name: shown.author, when: ago(shown.created) })),
      h("span", { class: "grow" }),
      button,
    ),
    cleaned(shown.html, { class: "prose paper" }),
  ];
}

const show = (...content) => $("view").replaceChildren(...content.flat().filter(Boolean));
const write = () => {
  if (lead && !$("words")) {
    show(editing({ text: shown.text, seq: shown.seq }));
    $("words").focus();
  }
};

function editing(draft, newer = null) {
  const area = h("textarea", { id: "words", rows: 18, "aria-label": t("guideline"), spellcheck: true });
  area.value = draft.text;
  const close = () => {
    localStorage.removeItem(DRAFT);
    show(reading());
  };
  const save = () => send({ ...draft, text: area.value }, close);
  area.addEventListener("input", () => localStorage.setItem(DRAFT, JSON.stringify({ ...draft, text: area.value })));
  area.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    }
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  return [
    newer && conflict(draft, newer, area),
    area,
    h("p", { class: "hint" }, t("markdown_hint")),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "quiet", onclick: close }, t("cancel")),
      h("span", { class: "grow" }),
      h("button", { type: "button", class: "primary", onclick: save }, t("save"), h("kbd", { "aria-hidden": "true" }, "Ctrl ⏎")),
    ),
  ];
}

function conflict(draft, newer, area) {
  const take = () => {
    area.value = newer.text;
    area.dispatchEvent(new Event("input"));
    area.focus();
  };
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, h("b", {}, t("conflict_title", { name: newer.author }))),
    h("p", {}, t("conflict_words")),
    drawn(newer.text, draft.text, { class: "diff text" }),
    h("button", { type: "button", class: "small", onclick: take }, t("conflict_take")),
  );
}

async function send(draft, close) {
  try {
    shown = await call("PUT", "/api/guideline", { text: draft.text, seq: draft.seq });
    close();
    announce(t("all_saved"));
    toast(t("guideline_saved"));
  } catch (error) {
    if (error instanceof Refused && error.status === 409) {
      shown = error.body.guideline;
      const mine = { text: draft.text, seq: shown.seq };
      localStorage.setItem(DRAFT, JSON.stringify(mine));
      show(editing(mine, shown));
      scrollTo({ top: 0 });
    } else if (error instanceof Refused) toast(error.message, { bad: true });
    else if (error instanceof Offline) toast(t("no_connection_kept"), { bad: true });
    else throw error;
  }
}

frame({
  changed: ({ guideline }) => {
    if (guideline && !$("words")) load();
  },
});
if (lead) bind(t("guideline"), [["e", t("edit"), write]]);
load();
