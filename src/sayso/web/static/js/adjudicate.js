// Where reviewers differ, a lead decides, and says why.
import { call, get, Refused } from "./api.js";
import { $, announce, h, kbd, toast } from "./dom.js";
import { bind, composing } from "./keys.js";
import { t } from "./messages.js";
import { empty, view } from "./parts.js";
import { asked, frame } from "./shell.js";
import { VERDICTS } from "./state.js";

let items = [];
let next = null;
const load = () =>
  view(
    () => get("/api/adjudication"),
    (found) => {
      ({ items, next } = found);
      return draw();
    },
  );
const show = () => $("view").replaceChildren(...[draw()].flat());

function draw() {
  if (!items.length) return empty(t("agreed"), t("agreed_words"));
  return [h("p", { class: "hint" }, t("adjudicate_words")), h("ol", { class: "cases" }, items.map(one))];
}

function one(item, at) {
  const keep = () => {
    item.reason = reason.value; // the cases are drawn again when one of them is gone
  };
  const reason = h("textarea", { rows: 2, placeholder: t("why"), "aria-label": t("why"), oninput: keep });
  reason.value = item.reason ?? "";
  const said = new Map(item.verdicts.map((one) => [one.name, { verdict: one.verdict, kinds: [] }]));
  for (const { name, kinds } of item.kinds) said.set(name, { verdict: said.get(name)?.verdict ?? null, kinds });
  const decide = async (verdict) => {
    const body = { verdict, reason: reason.value.trim(), again: Boolean(item.meanwhile) };
    const path = `/api/adjudication/${encodeURIComponent(item.response_id)}`;
    const answer = await asked(call("POST", path, body).catch((error) => meanwhile(item, error)));
    if (!answer || answer.meanwhile) return;
    toast(t("decided"));
    announce(t("decided"));
    gone(item);
  };
  reason.addEventListener("keydown", (event) => {
    const verdict = event.altKey && !composing(event) && VERDICTS[["Digit1", "Digit2", "Digit3"].indexOf(event.code)];
    if (verdict) {
      event.preventDefault();
      decide(verdict);
    }
    if (event.key === "Escape" && !composing(event)) reason.blur();
  });
  return h(
    "li",
    { class: "panel case", dataset: { id: item.response_id } },
    h("h2", {}, h("a", { href: `/?response=${encodeURIComponent(item.response_id)}` }, item.prompt)),
    h("p", { class: "read" }, item.head),
    h(
      "ul",
      { class: "sayings" },
      [...said].map(([name, { verdict, kinds }]) =>
        h(
          "li",
          {},
          h("b", {}, name),
          verdict && h("span", { class: `state ${verdict}` }, t(`verdict_${verdict}`)),
          kinds.map((kind) => h("span", { class: `badge ${kind}` }, t(`kind_${kind}`))),
        ),
      ),
    ),
    item.meanwhile &&
      h(
        "div",
        { class: "notice bad row", role: "alert" },
        h("span", { class: "grow" }, item.meanwhile),
        h("button", { type: "button", onclick: () => gone(item) }, t("leave_decision")),
      ),
    reason,
    h(
      "div",
      { class: "row" },
      h("span", { class: "faint" }, t(item.meanwhile ? "decide_again" : "your_decision")),
      VERDICTS.map((verdict, place) =>
        h("button", { type: "button", onclick: () => decide(verdict) }, t(`verdict_${verdict}`), at === 0 && kbd(`Alt ${place + 1}`)),
      ),
    ),
  );
}

// Somebody else has decided: what they said is shown, and what was written here stays, to decide again with.
async function meanwhile(item, error) {
  if (!(error instanceof Refused) || error.status !== 409) throw error;
  const { verdicts } = await get(`/api/responses/${encodeURIComponent(item.response_id)}`);
  Object.assign(item, { verdicts, meanwhile: error.message });
  show();
  document.querySelector(`.case[data-id="${CSS.escape(item.response_id)}"] textarea`)?.focus();
  return item;
}

function gone(item) {
  items = items.filter((other) => other !== item);
  if (!items.length && next) load();
  else show();
  document.querySelector(".case textarea")?.focus();
}

frame();
bind(t("page_adjudicate"), [["w", t("why"), () => document.querySelector(".case textarea")?.focus(), () => items.length > 0]]);
load();
