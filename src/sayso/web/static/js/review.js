// The review page: one answer a screen.
import { judge, reopen, withdraw } from "./acts.js";
import { point, showHead } from "./answer.js";
import { get, Offline, Refused } from "./api.js";
import { actions, keys } from "./commands.js";
import { fresh } from "./composer.js";
import { drawn } from "./diff.js";
import { $, announce, data, h } from "./dom.js";
import { margin, place } from "./margin.js";
import { number, t } from "./messages.js";
import { box } from "./outbox.js";
import { offer } from "./palette.js";
import { showPrompt } from "./prompt.js";
import * as list from "./queue.js";
import { choosing, leave, offer as offerKinds } from "./selecting.js";
import { frame, showCounts } from "./shell.js";
import { merge, now, on } from "./state.js";
import { begin, change, closeComposer, compose, discard, givenBack, read, resume, resumeComment } from "./writing.js";

let opening = 0;

async function open(id, given = null) {
  const mine = (opening += 1);
  closeComposer();
  if (now.detail) leave(); // the first answer may have words chosen in it already
  if (!id) {
    blank();
    return;
  }
  list.here(id);
  try {
    const found = given ?? (await list.fetched(id));
    if (mine !== opening) return;
    show(found);
  } catch (error) {
    if (!(error instanceof Offline || error instanceof Refused)) throw error;
    if (mine === opening) trouble(error, id);
    return;
  }
  history.replaceState(null, "", `/?response=${encodeURIComponent(id)}`);
  scrollTo({ top: 0 });
  resume();
  list.ahead();
  announce(t("opened", { n: number(list.where().at + 1), total: number(list.where().total) }));
}

function show(detail) {
  Object.assign(now, { detail, form: null, active: null });
  only("work");
  showPrompt(detail.prompt);
  read();
  siblings();
}

function only(name) {
  $("loading").hidden = true;
  $("blank").hidden = name !== "blank";
  $("work").hidden = $("actions").hidden = name !== "work";
}

on("mode", () => {
  $("work").dataset.mode = now.mode;
  $("work").dataset.view = now.view;
  showHead({ judge });
  actions();
});
on("head", () => showHead({ judge }));
on("place", place);
on("open", (id) => {
  if (now.detail?.id !== id) open(id);
});
on("state", ({ id, state }) => {
  list.update(id, { my_state: state });
  if (now.detail?.id === id) {
    showHead({ judge });
    actions();
  }
});

function blank() {
  now.detail = null;
  only("blank");
  const asks = list.query();
  const some = list.items().length > 0;
  const [title, words] = some
    ? ["end_title", "end_words"]
    : asks.search || asks.version
      ? ["nothing_found", "nothing_found_words"]
      : asks.state === "todo"
        ? ["done_title", "done_words"]
        : ["empty_title", "empty_words"];
  const all = () => {
    $("state").value = "all";
    $("search").value = $("version").value = "";
    list.load({ first: true });
  };
  $("blank").replaceChildren(
    h("h2", {}, t(title)),
    h("p", {}, t(words)),
    h(
      "div",
      { class: "row" },
      some ? h("button", { type: "button", onclick: () => list.load({ first: true }) }, t("look_again")) : "",
      title === "empty_title" ? "" : h("button", { type: "button", class: "primary", onclick: all }, t("show_all_answers")),
    ),
  );
}

function trouble(error, id) {
  now.detail = null;
  only("blank");
  const away = error instanceof Offline;
  $("blank").replaceChildren(
    h("h2", {}, away ? t("no_connection") : error.message),
    h("p", {}, t(away ? "no_connection_words" : "not_there_words")),
    h("button", { type: "button", class: "primary", onclick: () => open(id) }, t("try_again")),
  );
}

function siblings() {
  const others = now.detail.siblings ?? [];
  $("siblings").hidden = !others.length;
  $("siblings").replaceChildren(
    h(
      "details",
      {},
      h("summary", {}, t("other_versions", { n: others.length })),
      others.map((item) =>
        h(
          "article",
          {},
          h(
            "header",
            { class: "row" },
            h("b", {}, item.version || t("version_unknown")),
            h("span", { class: "grow" }),
            h("a", { href: `/?response=${encodeURIComponent(item.id)}` }, t("open_it")),
          ),
          drawn(now.detail.text, item.text, { class: "diff text" }),
        ),
      ),
    ),
  );
}

// Somebody else has said something about an answer.
async function changed({ responses = [] }) {
  list.forget(responses);
  if (!now.detail || !responses.includes(now.detail.id)) return;
  const { id } = now.detail;
  const found = await get(`/api/responses/${encodeURIComponent(id)}`).catch((error) => {
    if (error instanceof Offline || error instanceof Refused) return null;
    throw error;
  });
  if (!found || now.detail?.id !== id) return;
  Object.assign(now.detail, { comments: found.comments, refinements: found.refinements, verdicts: found.verdicts });
  list.update(id, { comments: found.comments.filter((item) => item.status === "open").length });
  merge(found.comments[0]);
  actions();
}

function delivered({ entry, answer }) {
  if (entry.kind !== "comment" || now.detail?.id !== entry.about) return;
  merge(answer);
  list.update(entry.about, { comments: now.detail.comments.filter((item) => item.status === "open").length });
}

function wire() {
  margin({
    edit: change,
    withdraw,
    reopen,
    goOn: resumeComment,
    discard,
    adopt: (item) =>
      compose(
        fresh(
          "concern",
          item.spans.map(({ start, end }) => ({ start, end })),
        ),
      ),
  });
  choosing(begin);
  keys();
  offer((text) =>
    text.length < 2
      ? []
      : [
          {
            label: t("search_for", { text }),
            always: true,
            run: () => {
              $("search").value = text;
              $("state").value = "all";
              list.load({ first: true });
            },
          },
        ],
  );
  box.addEventListener("sent", (event) => delivered(event.detail));
  box.addEventListener("refused", (event) => givenBack(event.detail));
  let pointing = 0;
  $("answer").addEventListener("click", (event) => {
    clearTimeout(pointing);
    const id = event.target.closest?.("[data-id]")?.dataset.id;
    if (!id || id === "form" || event.detail > 1) return;
    point(id);
    // A second click may follow, to choose a word: nothing moves under the hand until then.
    pointing = setTimeout(() => {
      if (getSelection().isCollapsed) $("margin").querySelector(`.card[data-id="${CSS.escape(id)}"]`)?.focus();
    }, 260);
  });
}

async function start() {
  wire();
  list.queue(open);
  const given = data("data");
  list.versions(given.versions);
  list.given(given);
  showCounts(given.queue.counts);
  // Opens the first answer: the one that came with the page, unless the address asks for one that is not there.
  const first = new URLSearchParams(location.search).get("response") ?? list.items()[0]?.id ?? null;
  const ready = open(first, given.detail?.id === first ? given.detail : null);
  frame({ changed, ready });
  await ready;
  offerKinds(); // words may have been chosen before this ran
}

start();
