// The people: who is here, how far they are, how well they agree; inviting them and sharing the work out.
import { call, get } from "./api.js";
import { announce, dialog, h, titled, toast } from "./dom.js";
import { ago, number, t } from "./messages.js";
import { empty, interval, panel, table, view } from "./parts.js";
import { asked, frame, me } from "./shell.js";

const load = () => view(() => Promise.all([get("/api/team"), get("/api/versions")]), draw);

function draw([team, versions]) {
  const active = team.reviewers.filter((one) => one.active);
  return [
    panel(
      t("progress"),
      null,
      h(
        "div",
        { class: "people" },
        table(
          t("progress"),
          ["name", "role", "assigned_share", "comments_today", "comments_all", ""].map((name) =>
            name ? t(`team_${name}`) : h("span", { class: "unseen" }, t("actions_of")),
          ),
          team.reviewers.map(person),
        ),
      ),
    ),
    me.role === "lead" && h("div", { class: "columns" }, invite(team.invitations ?? []), share(active, versions.items)),
    agreement(team.agreement),
  ];
}

function person(one) {
  const bar = h("progress", {
    max: Math.max(1, one.assigned),
    value: one.done + one.skipped,
    "aria-label": t("progress_of", { name: one.name }),
  });
  const words = one.assigned
    ? t("done_of", { done: number(one.done), skipped: number(one.skipped), assigned: number(one.assigned) })
    : t("nothing_assigned", { done: number(one.done) });
  const again =
    one.active &&
    one.id !== me.id &&
    me.role === "lead" &&
    h(
      "button",
      { type: "button", class: "quiet small", "aria-label": t("new_link_for", { name: one.name }), onclick: () => inviteAgain(one) },
      t("new_link"),
    );
  const leave =
    one.active &&
    one.id !== me.id &&
    me.role === "lead" &&
    h(
      "button",
      { type: "button", class: "quiet small", "aria-label": t("deactivate_name", { name: one.name }), onclick: () => deactivate(one) },
      t("deactivate"),
    );
  return h(
    "tr",
    { class: one.active ? "" : "away" },
    h("th", { scope: "row" }, one.name, one.id === me.id && h("span", { class: "faint" }, ` ${t("thats_you")}`)),
    h("td", {}, t(one.active ? `role_of_${one.role}` : "role_of_away")),
    h("td", {}, one.assigned ? bar : "", h("div", { class: "faint" }, words)),
    h("td", { class: "n" }, number(one.comments_today)),
    h("td", { class: "n" }, number(one.comments)),
    h("td", {}, again, leave),
  );
}

async function inviteAgain(one) {
  const made = await asked(call("POST", `/api/reviewers/${encodeURIComponent(one.id)}/invitations`, {}));
  if (made)
    dialog(
      "narrow",
      t("new_link_for", { name: one.name }),
      titled(t("new_link_for", { name: one.name }), t("close")),
      ...linkOf(made.link),
    );
}

async function deactivate(one) {
  if (!confirm(t("deactivate_sure", { name: one.name }))) return;
  if (await asked(call("POST", `/api/reviewers/${encodeURIComponent(one.id)}/deactivate`, {}))) load();
}

function invite(waiting) {
  const name = h("input", { id: "invite-name", type: "text", maxlength: "80", autocomplete: "off" });
  const role = h(
    "select",
    { id: "invite-role" },
    ["reviewer", "lead"].map((one) => h("option", { value: one }, t(`role_of_${one}`))),
  );
  const place = h("div", { class: "invited", role: "status" });
  const make = async (event) => {
    event.preventDefault();
    const made = await asked(call("POST", "/api/invitations", { name: name.value.trim(), role: role.value }));
    if (made) place.replaceChildren(...linkOf(made.link));
    if (made) {
      name.value = "";
      place.querySelector("button").focus();
    }
  };
  return panel(
    t("invite"),
    t("invite_words"),
    h(
      "form",
      { onsubmit: make },
      h("label", { for: "invite-name" }, t("their_name")),
      name,
      h("label", { for: "invite-role" }, t("team_role")),
      role,
      h("button", { type: "submit", class: "primary" }, t("make_link")),
    ),
    place,
    waiting.length
      ? h(
          "ul",
          { class: "faint waiting" },
          waiting.map((one) =>
            h("li", {}, t("invited", { name: one.name || t("somebody"), role: t(`role_of_${one.role}`), when: ago(one.expires) })),
          ),
        )
      : null,
  );
}

function linkOf(link) {
  const field = h("input", {
    type: "text",
    value: link,
    readonly: true,
    "aria-label": t("link"),
    onfocus: (event) => event.target.select(),
  });
  const copy = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      document.execCommand("copy");
    }
    toast(t("copied"));
    announce(t("copied"));
  };
  return [
    h("p", {}, t("link_words")),
    h("div", { class: "row nowrap" }, field, h("button", { type: "button", class: "primary", onclick: copy }, t("copy"))),
  ];
}

function share(people, versions) {
  const ticks = people.map((one) =>
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "who", value: one.id, checked: true }), one.name),
  );
  const count = h("input", { id: "share-count", type: "number", min: "1", max: "10000", value: "50" });
  const overlap = h("input", {
    id: "share-overlap",
    type: "number",
    min: "1",
    max: String(Math.max(1, people.length)),
    value: String(Math.min(2, people.length)),
  });
  const version = h(
    "select",
    { id: "share-version" },
    h("option", { value: "" }, t("every_version")),
    versions.filter((one) => one.version).map((one) => h("option", { value: one.version }, one.version)),
  );
  const give = async (event) => {
    event.preventDefault();
    const ids = [...event.target.querySelectorAll("[name=who]:checked")].map((box) => box.value);
    if (!ids.length) {
      toast(t("nobody_chosen"), { bad: true });
      return;
    }
    const body = { reviewer_ids: ids, count: Number(count.value), overlap: Math.min(Number(overlap.value), ids.length) };
    const done = await asked(call("POST", "/api/assignments", version.value ? { ...body, version: version.value } : body));
    if (!done) return;
    toast(t("shared_out", { n: number(Object.values(done.assigned).reduce((sum, n) => sum + n, 0)) }));
    load();
  };
  return panel(
    t("share_out"),
    t("share_words"),
    h(
      "form",
      { onsubmit: give },
      h("fieldset", {}, h("legend", {}, t("to_whom")), ticks),
      h("label", { for: "share-count" }, t("how_many")),
      count,
      h("label", { for: "share-overlap" }, t("overlap")),
      overlap,
      h("label", { for: "share-version" }, t("version")),
      version,
      h("button", { type: "submit", class: "primary" }, t("share_out")),
    ),
  );
}

function agreement(found) {
  const any = found && (found.verdicts || found.kinds || found.spans);
  const told = Object.entries(found?.said ?? {})
    .filter(([name]) => !found[name])
    .map(([name, words]) => `${t(`agree_${name}`)}: ${words}`);
  if (!any) return panel(t("agreement"), null, empty(t("no_agreement"), t("no_agreement_words")));
  const line = (name) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, t(`agree_${name}`)),
      h("td", {}, interval(found[name])),
      h("td", { class: "n" }, found[name] ? number(found[name].n) : ""),
    );
  const pairs = (found.pairs ?? []).map((pair) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, t("pair_names", { a: pair.a, b: pair.b })),
      h("td", {}, interval(pair.verdicts)),
      h("td", {}, interval(pair.spans)),
    ),
  );
  return panel(
    t("agreement"),
    t("agreement_words"),
    table(t("agreement"), [t("on"), t("alpha"), t("answers")], ["verdicts", "kinds", "spans"].map(line)),
    told.length
      ? h(
          "ul",
          { class: "hint" },
          told.map((words) => h("li", {}, words)),
        )
      : null,
    pairs.length ? [h("h3", {}, t("by_pair")), table(t("by_pair"), [t("pair"), t("agree_verdicts"), t("agree_spans")], pairs)] : null,
  );
}

frame();
load();
