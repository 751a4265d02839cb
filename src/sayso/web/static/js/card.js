// One comment, beside the words it is about.
import { h } from "./dom.js";
import { ago, t } from "./messages.js";
import { toPoints, toUnits } from "./offsets.js";
import { now } from "./state.js";

export const quoteOf = (span, text = now.detail.text) => text.slice(toUnits(text, span.start), toUnits(text, span.end));

export function shortened(words, most = 90) {
  const line = words.replace(/\s+/g, " ");
  return line.length > most ? `${line.slice(0, toUnits(line, Math.min(most, toPoints(line, most))))}…` : line;
}

export function card(comment, { edit, withdraw, point, adopt }) {
  const head = h(
    "header",
    {},
    h("span", { class: `badge ${comment.kind}` }, comment.number ? h("b", {}, String(comment.number)) : "", t(`kind_${comment.kind}`)),
    comment.severity && h("span", { class: "faint" }, t(`severity_${comment.severity}`)),
    h("span", { class: "faint grow" }, reachOf(comment)),
  );
  const quotes = comment.spans.map((span) => h("blockquote", {}, shortened(quoteOf(span))));
  const foot = h(
    "footer",
    {},
    h(
      "span",
      { class: "faint" },
      comment.waiting
        ? t("waiting")
        : h(
            "span",
            {},
            comment.mine ? t("you") : comment.author || t(`source_${comment.source}`),
            " · ",
            h("time", { datetime: comment.created }, ago(comment.created)),
          ),
    ),
    h("span", { class: "grow" }),
    comment.waiting
      ? null
      : comment.mine
        ? [button(t("edit"), () => edit(comment), comment), button(t("withdraw"), () => withdraw(comment), comment)]
        : button(t("reply"), () => adopt(comment), comment),
  );
  return h(
    "article",
    {
      class: `card ${comment.kind}${comment.waiting ? " waits" : ""}${comment.id === now.active ? " on" : ""}`,
      tabIndex: -1,
      dataset: { id: comment.id },
      "aria-label": t("comment_n", { n: comment.number, kind: t(`kind_${comment.kind}`) }),
      onpointerenter: () => point(comment.id),
      onfocusin: () => point(comment.id),
    },
    head,
    quotes,
    h("p", { class: "words" }, comment.text),
    foot,
  );
}

export function withdrawn(comment, reopen) {
  return h(
    "article",
    { class: "card gone", dataset: { id: comment.id } },
    h("p", { class: "words" }, comment.text),
    h(
      "footer",
      {},
      h("span", { class: "faint" }, t("withdrawn")),
      h("span", { class: "grow" }),
      button(t("reopen"), () => reopen(comment), comment),
    ),
  );
}

export function leftOff(draft, { goOn, discard }) {
  return h(
    "article",
    { class: `card draft ${draft.kind}`, "aria-label": t("draft") },
    h("p", { class: "words" }, shortened(draft.text, 160)),
    h(
      "footer",
      {},
      h("span", { class: "faint" }, t("draft")),
      h("span", { class: "grow" }),
      button(t("discard"), discard, draft),
      button(t("go_on"), goOn, draft),
    ),
  );
}

const button = (label, run, comment) =>
  h(
    "button",
    { type: "button", class: "quiet small", onclick: run, "aria-label": t("about", { act: label, text: shortened(comment.text, 40) }) },
    label,
  );

function reachOf(comment) {
  if (comment.scope_text) return t("where", { where: comment.scope_text });
  return comment.reach && comment.reach !== "this" ? t(`reach_${comment.reach}`) : "";
}
