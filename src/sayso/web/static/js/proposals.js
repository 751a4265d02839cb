// Better answers that were proposed: beside the original, with the comments they claim to meet; taken, changed or refused.
import { $, h } from "./dom.js";
import { drawn } from "./diff.js";
import { t } from "./messages.js";
import { shortened } from "./card.js";
import { now, standing } from "./state.js";

const mine = (refinement) => refinement.signoffs.find((item) => item.mine)?.decision ?? null;
export const open = () => now.detail.refinements.filter((item) => !item.signoffs.length).length;

export function showProposals({ sign, change, close, write }) {
  const { refinements } = now.detail;
  const list = [...refinements].reverse().map((item, at) => proposal(item, at, { sign, change }));
  const none = h(
    "div",
    { class: "blank" },
    h("p", {}, t("no_proposals")),
    h("button", { type: "button", class: "primary", onclick: write }, t("write_one"), h("kbd", { "aria-hidden": "true" }, "e")),
  );
  $("stage").replaceChildren(
    h(
      "div",
      { class: "proposals" },
      h(
        "div",
        { class: "row" },
        h("h3", {}, t("proposals_n", { n: refinements.length })),
        h("span", { class: "grow" }),
        h("button", { type: "button", class: "quiet", onclick: close }, t("back"), h("kbd", { "aria-hidden": "true" }, "Esc")),
      ),
      list.length ? list : none,
    ),
  );
  $("stage").querySelector(".proposal")?.focus({ preventScroll: true });
}

function proposal(item, at, { sign, change }) {
  const decided = mine(item);
  const button = (decision, key) =>
    h(
      "button",
      {
        type: "button",
        class: decided === decision ? "primary" : "",
        "aria-pressed": String(decided === decision),
        onclick: () => sign(item, decision),
      },
      t(`do_${decision}`),
      h("kbd", { "aria-hidden": "true" }, key),
    );
  return h(
    "article",
    { class: `proposal ${decided ?? ""}`, tabIndex: -1, dataset: { id: item.id }, "aria-label": t("proposal_n", { n: at + 1 }) },
    h(
      "header",
      {},
      h("b", {}, item.source === "person" ? t("written_by", { name: item.refiner }) : t("proposed_by", { name: item.refiner })),
      item.signoffs.map((one) =>
        h("span", { class: `state ${one.decision}` }, t(`signed_by_${one.decision}`, { name: one.mine ? t("you") : one.name })),
      ),
    ),
    h(
      "div",
      { class: "panes" },
      h("section", { "aria-label": t("original") }, h("h4", {}, t("original")), h("div", { class: "text" }, now.detail.text)),
      h("section", { "aria-label": t("proposal") }, h("h4", {}, t("proposal")), drawn(now.detail.text, item.text, { class: "diff text" })),
    ),
    addressed(item),
    h(
      "footer",
      {},
      button("accepted", "a"),
      h("button", { type: "button", onclick: () => change(item) }, t("change_it"), h("kbd", { "aria-hidden": "true" }, "e")),
      button("rejected", "n"),
    ),
  );
}

function addressed(item) {
  const comments = standing().filter((comment) => !comment.waiting);
  if (!comments.length) return "";
  return h(
    "ul",
    { class: "ticks", "aria-label": t("claims_to_meet") },
    comments.map((comment) => {
      const met = item.addresses.includes(comment.id);
      return h(
        "li",
        { class: met ? "met" : "unmet" },
        h("span", { class: "tick", "aria-hidden": "true" }, met ? "✓" : "–"),
        h("span", { class: "unseen" }, t(met ? "met" : "unmet")),
        shortened(comment.text, 140),
      );
    }),
  );
}

// The proposal that the keys act on: the one in focus, else the first that nobody decided on, else the first.
export function current() {
  const { refinements } = now.detail;
  const id = document.activeElement?.closest?.(".proposal")?.dataset.id;
  return refinements.find((item) => item.id === id) ?? [...refinements].reverse().find((item) => !mine(item)) ?? refinements.at(-1) ?? null;
}
