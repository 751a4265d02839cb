// What a reviewer does, each with its way back.
import { Refused } from "./api.js";
import { announce, newKey, toast } from "./dom.js";
import { keepDraft } from "./drafts.js";
import { t } from "./messages.js";
import { drop, send } from "./outbox.js";
import { me } from "./shell.js";
import { merge, now, tell } from "./state.js";

const back = []; // newest last: {label, run}
const MOST = 50;

function remember(label, run) {
  back.push({ label, run });
  if (back.length > MOST) back.shift();
}

export function undo() {
  const last = back.pop();
  if (!last) return toast(t("nothing_to_undo"));
  last.run();
  toast(t("undone", { what: last.label }));
  return announce(t("undone", { what: last.label }));
}

const offerUndo = (words) => {
  toast(words, { action: undo, label: t("undo"), hint: "z" });
  announce(words);
};
const to = (kind, id, act = "") => `/api/${kind}/${encodeURIComponent(id)}${act}`;

// Sends, and says so where the server refuses; null then.
async function asked(request) {
  try {
    return (await send({ key: newKey(), ...request })) ?? {};
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, { bad: true });
    return null;
  }
}

// `refused(form, error)` gets the form back when the server does not take it.
export async function saveComment(response, form, refused) {
  const body = {
    key: form.key,
    text: form.text.trim(),
    kind: form.kind,
    severity: form.severity,
    reach: form.reach,
    scope_text: form.scope_text.trim(),
    spans: form.spans.map(({ start, end }) => ({ start, end })),
    confirmed_private: form.confirmed_private,
  };
  const before = form.editing ? now.detail.comments.find((item) => item.id === form.editing) : null;
  const request = form.editing
    ? { method: "PATCH", path: to("comments", form.editing), replaces: form.editing }
    : { method: "POST", path: to("responses", response, "/comments") };
  keepDraft(response, "comment", null);
  const promise = send({ ...request, key: form.key, body, about: response, kind: "comment" }, () => tell("comments"));
  tell("comments");
  try {
    const comment = await promise;
    remember(t(before ? "act_edit" : "act_comment"), () => (before ? unedit(comment, before) : withdrawn(comment, "")));
    offerUndo(t("comment_saved"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    keepDraft(response, "comment", form);
    tell("comments");
    refused(form, error);
  }
}

// The wording before holds again; the new one stays in the record, withdrawn.
async function unedit(comment, before) {
  if (await withdrawn(comment, "")) await reopen(before);
}

export async function withdraw(comment) {
  if (comment.waiting) {
    drop(comment.key);
    tell("comments");
    return;
  }
  if (!(await withdrawn(comment, ""))) return;
  remember(t("act_withdraw"), () => reopen(comment));
  offerUndo(t("comment_withdrawn"));
}

async function withdrawn(comment, reason) {
  const answer = await asked({ method: "POST", path: to("comments", comment.id, "/withdraw"), body: { reason }, about: now.detail.id });
  merge(answer);
  return answer;
}

export async function reopen(comment) {
  merge(await asked({ method: "POST", path: to("comments", comment.id, "/reopen"), body: {}, about: now.detail.id }));
}

export async function judge(verdict, { way = true } = {}) {
  const { detail } = now;
  const before = detail.verdict;
  detail.verdict = verdict;
  tell("head");
  announce(verdict ? t("verdict_is", { verdict: t(`verdict_${verdict}`) }) : t("verdict_none"));
  if (way)
    remember(t("act_verdict"), async () => {
      await judgeOf(detail, before);
      tell("open", detail.id);
    });
  await asked({ method: "PUT", path: to("responses", detail.id, "/verdict"), body: { verdict }, about: detail.id });
}

async function judgeOf(detail, verdict) {
  detail.verdict = verdict;
  tell("head");
  await asked({ method: "PUT", path: to("responses", detail.id, "/verdict"), body: { verdict }, about: detail.id });
}

export async function setState(detail, state, { way = true } = {}) {
  const before = detail.state;
  detail.state = state;
  tell("state", { id: detail.id, state });
  if (way) {
    remember(t(`state_${state}`), async () => {
      await setState(detail, before, { way: false });
      tell("open", detail.id);
    });
    offerUndo(t(`marked_${state}`));
  }
  await asked({ method: "POST", path: to("responses", detail.id, "/state"), body: { state }, about: detail.id });
}

export async function saveRefinement(response, form) {
  const answer = await asked({
    key: form.key,
    method: "POST",
    path: to("responses", response, "/refinements"),
    body: { key: form.key, text: form.text, addresses: form.addresses },
    about: response,
    kind: "refinement",
  });
  if (!answer) return false;
  if (now.detail?.id === response) now.detail.refinements = [...now.detail.refinements.filter((item) => item.id !== answer.id), answer];
  tell("refinements");
  toast(t("refinement_saved"));
  announce(t("refinement_saved"));
  return true;
}

export async function signOff(refinement, decision) {
  const { detail } = now;
  const answer = await asked({ method: "POST", path: to("refinements", refinement.id, "/signoff"), body: { decision }, about: detail.id });
  if (!answer) return;
  const signed = (item) => ({ ...item, signoffs: [...item.signoffs.filter((one) => !one.mine), { name: me.name, decision, mine: true }] });
  detail.refinements = detail.refinements.map((item) => (item.id === refinement.id ? signed(item) : item));
  tell("refinements");
  announce(t(`signed_${decision}`));
}
