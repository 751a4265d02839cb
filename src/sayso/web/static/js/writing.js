// Opening and closing what one writes in: a comment, a better answer; and going back to reading.
import { saveComment, saveRefinement, signOff } from "./acts.js";
import { paint, showAnswer } from "./answer.js";
import { composer, formOf, fresh } from "./composer.js";
import { $, toast } from "./dom.js";
import { draftOf, keepDraft, local } from "./drafts.js";
import { begun, showEditor } from "./editor.js";
import { personal } from "./hints.js";
import { host, showCards } from "./margin.js";
import { t } from "./messages.js";
import { showProposals } from "./proposals.js";
import { chosen, leave } from "./selecting.js";
import { now, on, standing, tell } from "./state.js";

let writing = null; // the open composer

export const isWriting = () => Boolean(writing);
export const composerNow = () => writing;

function drafts() {
  const found = draftOf(now.detail.id, now.detail.draft);
  now.detail.draft = null;
  return found;
}

export function read() {
  now.mode = "read";
  tell("mode");
  showAnswer();
  showCards();
}

// What was being written when the page was left.
export function resume() {
  const { comment, answer } = drafts();
  if (comment) compose(comment, { focus: false });
  if (answer) edit(answer);
  if (comment || answer) toast(t("draft_restored"));
}

export function compose(form, { focus = true, warn = null } = {}) {
  closeComposer();
  if (now.mode !== "read") read();
  now.form = form;
  writing = composer(form, {
    save,
    close: () => {
      closeComposer();
      $("text")?.focus({ preventScroll: true });
    },
  });
  host(writing.element);
  paint();
  showCards();
  if (warn) writing.warn(...warn);
  if (focus) {
    writing.focus();
    writing.element.scrollIntoView({ block: "nearest" });
  }
}

export function discard() {
  keepDraft(now.detail.id, "comment", null);
  showCards();
}

export const resumeComment = () => compose(drafts().comment);
export const change = (comment) => compose(formOf(comment));

export function closeComposer() {
  if (!writing) return;
  const { form, response } = writing;
  writing = now.form = null;
  host(null);
  if (!form.text.trim()) keepDraft(response, "comment", null);
  if (!now.detail) return;
  paint();
  showCards();
}

// Starts a comment of a kind on a span, goes on with the one that is open, or with the one that was left.
export function begin(kind, span = now.detail && chosen()) {
  if (!now.detail) return;
  leave();
  if (writing) {
    if (span) writing.addSpan(span);
    if (kind) writing.setKind(kind);
    writing.focus();
    return;
  }
  const kept = drafts().comment;
  if (kept) {
    // words that were left are gone on with, never written over
    compose({ ...kept, kind: kind ?? kept.kind, spans: span ? [...kept.spans, span] : kept.spans });
    return;
  }
  compose(fresh(kind ?? "fix", span ? [span] : []));
}

async function save(form) {
  if (!form.text.trim()) {
    writing.warn(t("words_missing"), null);
    writing.focus();
    return;
  }
  const response = now.detail.id;
  const here = writing;
  const found = form.confirmed_private ? [] : await personal(`${form.text}\n${form.scope_text}`);
  if (writing !== here) return; // closed, or saved by a second key meanwhile
  if (found.length) {
    writing.warn("", found);
    writing.focus();
    return;
  }
  writing = now.form = null;
  host(null);
  const sent = saveComment(response, form, refused(response));
  paint();
  showCards();
  $("text")?.focus({ preventScroll: true });
  await sent;
}

const refused = (response) => (form, error) => {
  const found = error.body.error?.found ?? null;
  if (error.status === 409) form.editing = error.body.error?.newer || null; // saving again changes what is there now
  if (now.detail?.id !== response) toast(t("kept_as_draft", { why: error.message }), { bad: true });
  else compose(form, { warn: [error.message, found] });
};

// A comment that was written before a reload and that the server does not take: its words are a draft again.
export function givenBack({ entry, error, asked }) {
  if (asked || entry.kind !== "comment") return;
  const open = writing?.response === entry.about ? writing.form : null;
  const before = open ?? local(entry.about).comment;
  const text = [before?.text, entry.body.text].filter((words) => words?.trim()).join("\n");
  const form = { ...fresh(entry.body.kind), ...entry.body, editing: entry.replaces, ...before, text, confirmed_private: false };
  keepDraft(entry.about, "comment", form);
  refused(entry.about)(form, error);
}

export function edit(form = null) {
  if (!now.detail) return;
  closeComposer();
  leave();
  now.mode = "edit";
  tell("mode");
  const fixes = () =>
    standing()
      .filter((item) => item.kind === "fix" && !item.waiting)
      .map((item) => item.id);
  showEditor(form ?? drafts().answer ?? begun(now.detail.text, fixes()), { save: saveAnswer, close: read });
}

async function saveAnswer(form) {
  const { id } = now.detail;
  if (!(await saveRefinement(id, form))) return;
  keepDraft(id, "answer", null);
  if (now.detail?.id === id) proposals();
}

export function proposals() {
  if (!now.detail) return;
  closeComposer();
  leave();
  now.mode = "proposals";
  tell("mode");
  showProposals({ sign: signOff, change: changeProposal, close: read, write: () => edit() });
}

export const changeProposal = (item) => edit(begun(item.text, [...item.addresses]));

on("painted", () => {
  paint();
  showCards();
});
on("comments", () => {
  paint();
  if (now.mode === "read") showCards();
});
on("view", () => {
  tell("mode");
  showAnswer();
  showCards();
});
on("refinements", () => {
  if (now.mode === "proposals") proposals();
  else tell("mode");
});
