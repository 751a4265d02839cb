// What was said, in pictures: themes, what has been looked at, what has changed.
import { get } from "./api.js";
import { cleaned, h, svg } from "./dom.js";
import { number, share, t } from "./messages.js";
import { empty, panel, table, view } from "./parts.js";
import { frame, me } from "./shell.js";
import { KINDS } from "./state.js";

function draw([found, formats]) {
  const { totals } = found;
  if (!totals.comments)
    return empty(t("overview_empty"), t("overview_empty_words"), h("a", { class: "button", href: "/" }, t("page_review")));
  return [
    facts(totals),
    themes(found.themes),
    again(found.suggestions ?? []),
    days(found.pictures?.days),
    h("div", { class: "columns" }, coverage(found.coverage), changes(found.changes)),
    me.role === "lead" && formats.length > 0 && exported(formats),
  ];
}

function exported(formats) {
  const link = h("a", { class: "button", download: true });
  const select = h(
    "select",
    {
      id: "format",
      onchange: () => {
        link.href = `/api/export?format=${encodeURIComponent(select.value)}`;
      },
    },
    formats.map((name) => h("option", { value: name }, name)),
  );
  link.href = `/api/export?format=${encodeURIComponent(formats[0])}`;
  link.textContent = t("export_it");
  return panel(
    t("export"),
    t("export_words"),
    h("div", { class: "row" }, h("label", { class: "unseen", for: "format" }, t("export_format")), h("div", {}, select), link),
  );
}

function facts(totals) {
  const fact = (name, value) => h("div", {}, h("dt", {}, t(`fact_${name}`)), h("dd", {}, value));
  return h(
    "dl",
    { class: "facts" },
    fact("responses", number(totals.responses)),
    fact("commented", `${number(totals.commented)} (${share(totals.responses ? totals.commented / totals.responses : 0)})`),
    fact("comments", number(totals.comments)),
    fact("refinements", number(totals.refinements)),
    fact("signed_off", number(totals.signed_off)),
  );
}

const again = (found) =>
  found.length > 0 &&
  panel(
    t("suggestions"),
    t("suggestions_words"),
    h(
      "ul",
      { class: "again" },
      found.map((one) => h("li", {}, h("span", {}, one.text), h("span", { class: "faint" }, t("times", { n: number(one.n) })))),
    ),
  );

// A picture that the server has drawn.
const days = (picture) => picture && panel(t("days"), null, cleaned(picture, { class: "picture" }));
const SHARES = new Set(["commented", "good"]);
const figure = (name, value) => (value === null || value === undefined ? "–" : SHARES.has(name) ? share(value) : number(value));

// A bar whose parts are the kinds of comment in a theme.
function bar(kinds, n, most) {
  let x = 0;
  const parts = KINDS.filter((kind) => kinds[kind]).map((kind) => {
    const width = (300 * kinds[kind]) / most;
    const part = svg("rect", { x, y: 0, width: Math.max(0, width - 1), height: 14, rx: 2, class: kind });
    x += width;
    return part;
  });
  const words = KINDS.filter((kind) => kinds[kind])
    .map((kind) => t("n_of_kind", { n: kinds[kind], kind: t(`kind_${kind}`) }))
    .join(t("comma"));
  return svg(
    "svg",
    {
      viewBox: "0 0 300 14",
      class: "bar-picture",
      role: "img",
      preserveAspectRatio: "none",
      "aria-label": words || t("n_comments", { n }),
    },
    ...parts,
  );
}

function themes(found) {
  if (!found.length) return panel(t("themes"), null, h("p", { class: "hint" }, t("no_themes")));
  const most = Math.max(...found.map((theme) => theme.n));
  const legend = h(
    "ul",
    { class: "legend" },
    KINDS.map((kind) => h("li", {}, h("span", { class: `badge ${kind}` }, t(`kind_${kind}`)))),
  );
  return panel(
    t("themes"),
    t("themes_words"),
    legend,
    h(
      "ol",
      { class: "themes" },
      found.map((theme) =>
        h(
          "li",
          {},
          h(
            "details",
            {},
            h(
              "summary",
              {},
              h("span", { class: "theme" }, theme.words.slice(0, 4).join(" · ")),
              h("span", { class: "n" }, number(theme.n)),
              bar(theme.kinds ?? {}, theme.n, most),
            ),
            h(
              "ul",
              { class: "examples" },
              theme.examples.map((one) =>
                h("li", {}, one.response_id ? h("a", { href: `/?response=${encodeURIComponent(one.response_id)}` }, one.text) : one.text),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

function coverage(found) {
  if (!found.length) return panel(t("coverage"), null, h("p", { class: "hint" }, t("no_coverage")));
  return panel(
    t("coverage"),
    t("coverage_words"),
    table(
      t("coverage"),
      [t("family"), t("looked_at"), t("comments")],
      found.map((one) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, one.family || t("no_family")),
          h(
            "td",
            {},
            h("progress", {
              max: Math.max(1, one.responses),
              value: one.commented,
              "aria-label": t("coverage_of", { family: one.family || t("no_family") }),
            }),
            h("div", { class: "faint" }, t("n_of", { n: number(one.commented), total: number(one.responses) })),
          ),
          h("td", { class: "n" }, number(one.comments)),
        ),
      ),
    ),
  );
}

function changes(found) {
  if (!found) return panel(t("changes"), null, h("p", { class: "hint" }, t("no_changes")));
  const rows = (found.items ?? []).map((one) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, one.label ?? one.name),
      h("td", { class: "n" }, figure(one.name, one.before)),
      h("td", { class: "n" }, figure(one.name, one.after)),
    ),
  );
  const takes = (found.took ?? []).map((one) =>
    h("li", {}, h("span", { class: `state ${one.take}` }, t(`take_${one.take}`)), " ", one.text),
  );
  return panel(
    t("changes"),
    t("changes_since", { version: found.version, previous: found.previous || t("the_start"), n: number(found.comments_new ?? 0) }),
    rows.length ? table(t("changes"), ["", t("before"), t("after")], rows) : null,
    takes.length ? [h("h3", {}, t("did_they_take")), h("ul", { class: "takes" }, takes)] : null,
  );
}

frame();
const formatsOf = async () => (me.role === "lead" ? (await get("/api/export/formats")).items : []);
view(() => Promise.all([get("/api/overview"), formatsOf()]), draw);
