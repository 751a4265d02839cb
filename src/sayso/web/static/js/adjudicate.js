// Where reviewers differ, a lead decides, and says why.
import { call, get } from "./api.js";
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
  const reason = h("textarea", { rows: 2, placeholder: t("why"), "aria-label": t("why") });
  const said = new Map(item.verdicts.map((one) => [one.name, { verdict: one.verdict, kinds: [] }]));
  for (const { name, kinds } of item.kinds) said.set(name, { verdict: said.get(name)?.verdict ?? null, kinds });
  const decide = async (verdict) => {
    const done = await asked(
      call("POST", `/api/adjudication/${encodeURIComponent(item.response_id)}`, { verdict, reason: reason.value.trim() }),
    );
    if (!done) return;
    items = items.filter((other) => other !== item);
    toast(t("decided"));
    announce(t("decided"));
    if (!items.length && next) load();
    else show();
    document.querySelector(".case textarea")?.focus();
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
    reason,
    h(
      "div",
      { class: "row" },
      h("span", { class: "faint" }, t("your_decision")),
      VERDICTS.map((verdict, place) =>
        h("button", { type: "button", onclick: () => decide(verdict) }, t(`verdict_${verdict}`), at === 0 && kbd(`Alt ${place + 1}`)),
      ),
    ),
  );
}

frame();
bind(t("page_adjudicate"), [["w", t("why"), () => document.querySelector(".case textarea")?.focus(), () => items.length > 0]]);
load();
