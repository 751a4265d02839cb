// Two answers to one prompt, side by side and without names: which is better?
import { get } from "./api.js";
import { $, announce, cleaned, h, kbd, newKey, toast } from "./dom.js";
import { bind, composing } from "./keys.js";
import { number, t } from "./messages.js";
import { send } from "./outbox.js";
import { empty, view } from "./parts.js";
import { asked, frame } from "./shell.js";

const pairs = { a: "", b: "", items: [], next: null, done: 0 };
const CHOICES = [
  ["left", "1", "choose_left"],
  ["tie", "2", "choose_tie"],
  ["right", "3", "choose_right"],
  ["both_bad", "0", "choose_both_bad"],
];

const show = (...content) => $("view").replaceChildren(...content.flat().filter(Boolean));

function begin(versions) {
  const named = versions.items.filter((item) => item.version);
  if (named.length < 2) return empty(t("ab_one_version"), t("ab_one_version_words"));
  const asks = new URLSearchParams(location.search);
  const pick = (label, at) => {
    const select = h(
      "select",
      {},
      named.map((item) => h("option", { value: item.version }, t("version_n", { version: item.version, n: number(item.responses) }))),
    );
    select.value = asks.get(at ? "b" : "a") ?? named[at].version;
    return [select, h("label", {}, h("span", {}, label), select)];
  };
  const [a, first] = pick(t("one_version"), 0);
  const [b, second] = pick(t("other_version"), 1);
  const go = (event) => {
    event?.preventDefault();
    start(a.value, b.value);
  };
  if (asks.get("a") && asks.get("b")) queueMicrotask(go);
  return h(
    "form",
    { class: "panel narrow", onsubmit: go },
    h("p", {}, t("ab_words")),
    h("div", { class: "pair" }, first, second),
    h("button", { type: "submit", class: "primary" }, t("ab_start")),
  );
}

async function start(a, b) {
  if (a === b) {
    toast(t("ab_same"), { bad: true });
    return;
  }
  Object.assign(pairs, { a, b, items: [], next: null });
  history.replaceState(null, "", `/ab?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`);
  await more();
  draw();
}

async function more() {
  const found = await asked(get("/api/pairs", { a: pairs.a, b: pairs.b, after: pairs.next }));
  if (found) Object.assign(pairs, { items: [...pairs.items, ...found.items], next: found.next });
}

function draw() {
  const pair = pairs.items[0];
  if (!pair) {
    over();
    return;
  }
  const reason = h("textarea", { id: "reason", rows: 2, placeholder: t("ab_reason"), "aria-label": t("ab_reason") });
  reason.addEventListener("keydown", (event) => {
    if (!composing(event) && event.key === "Escape") reason.blur();
  });
  const side = (name, answer) =>
    h(
      "section",
      { class: "side-answer", "aria-label": t(`choose_${name}_name`) },
      h("h2", {}, t(`choose_${name}_name`)),
      h("div", { class: "text" }, answer.text),
    );
  show(
    pairs.done > 0 && h("p", { class: "faint" }, t("ab_progress", { n: number(pairs.done) })),
    h(
      "div",
      { class: "turns" },
      pair.prompt.messages.map((turn) =>
        h(
          "article",
          { class: `turn ${turn.role}` },
          h("h2", { class: "role" }, t(`role_${turn.role}`)),
          cleaned(turn.html, { class: "prose" }),
        ),
      ),
    ),
    h("div", { class: "two" }, side("left", pair.left), side("right", pair.right)),
    reason,
    h(
      "div",
      { class: "choices" },
      CHOICES.map(([name, key, words]) =>
        h("button", { type: "button", dataset: { choice: name }, onclick: () => choose(name) }, t(words), kbd(key)),
      ),
    ),
  );
}

async function over() {
  const line = h("p", {});
  show(empty(t("ab_done"), t("ab_done_words", { n: number(pairs.done) }), line, h("a", { class: "button", href: "/ab" }, t("ab_again"))));
  const tally = await asked(get("/api/pairs/tally", { a: pairs.a, b: pairs.b }));
  if (tally)
    line.textContent = t("ab_tally", {
      a: pairs.a,
      na: number(tally.a),
      b: pairs.b,
      nb: number(tally.b),
      ties: number(tally.ties),
      bad: number(tally.both_bad),
    });
}

async function choose(choice) {
  const pair = pairs.items[0];
  if (!pair) return;
  const reason = $("reason").value.trim();
  const sent = asked(
    send({ key: newKey(), method: "POST", path: "/api/pairs", body: { left: pair.left.id, right: pair.right.id, choice, reason } }),
  );
  pairs.items.shift();
  pairs.done += 1;
  if (pairs.items.length < 3 && pairs.next) await more();
  if (!pairs.items.length) await sent;
  draw();
  scrollTo({ top: 0 });
  announce(t("ab_chosen"));
}

frame();
bind(t("page_ab"), [
  ...CHOICES.map(([name, key, words]) => [key, t(words), () => choose(name), () => pairs.items.length > 0]),
  ["w", t("ab_reason"), () => $("reason").focus(), () => Boolean($("reason"))],
]);
view(() => get("/api/versions"), begin);
