// The keys of the review page, and the bar of the same acts at its foot.
import { judge, setState, signOff, undo, withdraw } from "./acts.js";
import { point } from "./answer.js";
import { get } from "./api.js";
import { $, cleaned, dialog, h, kbd, titled } from "./dom.js";
import { bind } from "./keys.js";
import { number, t } from "./messages.js";
import { current, open as openProposals } from "./proposals.js";
import * as list from "./queue.js";
import { enter } from "./selecting.js";
import { asked } from "./shell.js";
import { commentOf, now, standing, tell, VERDICTS } from "./state.js";
import { begin, change, changeProposal, closeComposer, composerNow, edit, isWriting, proposals, read } from "./writing.js";

const never = () => false; // shown among the keys; the form itself listens for it
const here = () => Boolean(now.detail);
const reading = () => here() && now.mode === "read";
const proposing = () => here() && now.mode === "proposals" && Boolean(current());
const pointed = () => reading() && Boolean(commentOf(now.active)?.mine) && !commentOf(now.active).waiting;

export function keys() {
  bind(t("group_move"), [
    ["j", t("next"), () => list.step(1)],
    ["k", t("previous"), () => list.step(-1)],
    ["s", t("search"), search],
    ["b", t("show_queue"), () => listing()],
    ["]", t("next_comment"), () => walk(1), reading],
    ["[", t("previous_comment"), () => walk(-1), reading],
  ]);
  bind(t("group_say"), [
    ["m", t("select_by_keyboard"), enter, () => reading() && now.view === "text"],
    ["f", t("say_fix"), () => begin("fix"), reading],
    ["p", t("say_keep"), () => begin("keep"), reading],
    ["q", t("say_question"), () => begin("question"), reading],
    ["c", t("say_concern"), () => begin("concern"), reading],
    ["w", t("comment_whole"), () => begin("fix", null), here],
    ["+", t("add_span"), () => begin(null), () => reading() && isWriting()],
    [["1", "2", "3", "0"], t("set_severity"), (event) => composerNow().setSeverity(Number(event.key ?? 0)), isWriting],
    [["Alt+1", "Alt+F"], t("while_writing"), () => {}, never],
    [["⏎"], t("enter_saves"), () => {}, never],
    ["i", t("edit_comment"), () => change(commentOf(now.active)), pointed],
    ["Delete", t("withdraw_comment"), () => withdraw(commentOf(now.active)), pointed],
  ]);
  bind(t("group_better"), [
    ["e", t("change_it"), () => changeProposal(current()), proposing],
    ["e", t("edit_answer"), () => edit(), here],
    ["r", t("proposals"), proposals, here],
    ["a", t("do_accepted"), () => signOff(current(), "accepted"), proposing],
    ["n", t("do_rejected"), () => signOff(current(), "rejected"), proposing],
  ]);
  bind(t("group_decide"), [
    ["v", t("verdict_next"), cycle, here],
    ["d", t("done"), () => leaveWith("done"), here],
    ["x", t("skip"), () => leaveWith("skipped"), here],
    ["z", t("undo"), undo],
    [
      "y",
      t("switch_view"),
      () => {
        now.view = now.view === "text" ? "markdown" : "text";
        tell("view");
      },
      reading,
    ],
    ["h", t("guideline"), guideline],
    ["Escape", "", back],
  ]);
}

function back() {
  if ($("review").classList.contains("listing")) listing(false);
  else if (isWriting()) closeComposer();
  else if (here() && now.mode !== "read") read();
}

export function listing(on) {
  const shown = $("review").classList.toggle("listing", on);
  if (shown) $("search").focus();
}

function search() {
  $("review").classList.add("listing");
  $("search").focus();
  $("search").select();
}

function cycle() {
  const at = VERDICTS.indexOf(now.detail.verdict);
  judge([...VERDICTS, null][(at + 1) % (VERDICTS.length + 1)]);
}

async function leaveWith(state) {
  if (!now.detail) return;
  const same = now.detail.state === state;
  setState(now.detail, same ? "todo" : state);
  if (same) tell("mode");
  else await list.step(1);
}

function walk(by) {
  const all = standing();
  if (!all.length) return;
  const at = all.findIndex((item) => item.id === now.active);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length];
  point(next.id);
  $("margin")
    .querySelector(`.card[data-id="${CSS.escape(next.id)}"]`)
    ?.focus();
}

async function guideline() {
  const found = await asked(get("/api/guideline"));
  if (!found) return;
  const words = found.text ? cleaned(found.html, { class: "prose" }) : h("p", { class: "hint" }, t("no_guideline"));
  dialog("side", t("guideline"), titled(t("guideline"), t("close")), words);
}

const both = (long, short) => [h("span", { class: "long" }, t(long)), h("span", { class: "short" }, t(short))];

export function actions() {
  const { at, total } = list.where();
  const open = openProposals();
  const button = (label, key, run, more = {}) =>
    h("button", { type: "button", "aria-keyshortcuts": key, onclick: run, ...more }, label, kbd(key));
  const arrow = (sign, name, key, by, disabled) =>
    h(
      "button",
      { type: "button", class: "quiet icon", "aria-label": t(name), "aria-keyshortcuts": key, disabled, onclick: () => list.step(by) },
      sign,
    );
  $("actions").replaceChildren(
    h("button", { type: "button", class: "quiet list", "aria-keyshortcuts": "b", onclick: () => listing() }, t("queue")),
    arrow("←", "previous", "k", -1, at <= 0),
    h("span", { class: "place" }, at < 0 ? "" : t("place", { n: number(at + 1), total: number(total) })),
    arrow("→", "next", "j", 1, false),
    h("span", { class: "grow" }),
    h(
      "span",
      { class: "acts" },
      button(both("comment_whole", "comment_short"), "w", () => begin("fix", null)),
      button(both("edit_answer", "edit"), "e", () => edit(), { "aria-pressed": String(now.mode === "edit") }),
      button(open ? t("proposals_open", { n: open }) : t("proposals"), "r", proposals, {
        "aria-pressed": String(now.mode === "proposals"),
      }),
    ),
    button(t("skip"), "x", () => leaveWith("skipped"), { class: "quiet" }),
    button(t(now.detail?.state === "done" ? "not_done" : "done"), "d", () => leaveWith("done"), { class: "primary" }),
  );
}
