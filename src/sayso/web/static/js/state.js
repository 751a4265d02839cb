// What is on the screen now, and who wants to know when it changes.
import { entries } from "./outbox.js";

export const now = {
  detail: null, // the answer under review, as the server gave it
  mode: "read", // read | edit | proposals
  view: "text", // text | markdown
  form: null, // the comment being written
  active: null, // the comment pointed at
};

export const hub = new EventTarget();
export const tell = (name, detail) => hub.dispatchEvent(new CustomEvent(name, { detail }));
export const on = (name, run) => hub.addEventListener(name, (event) => run(event.detail));

export const KINDS = ["fix", "keep", "question", "concern"];
export const VERDICTS = ["good", "needs_work", "bad"];

// The comments that stand, those on their way to the server among them, in the order of the text.
export function standing() {
  if (!now.detail) return [];
  const waiting = onTheirWay();
  const replaced = new Set(waiting.map((item) => item.replaces).filter(Boolean));
  const kept = now.detail.comments.filter((item) => item.status === "open" && !replaced.has(item.id));
  const first = (item) => item.spans[0]?.start ?? Infinity;
  return [...kept, ...waiting]
    .map((item, at) => [item, at])
    .sort(([a, i], [b, j]) => first(a) - first(b) || i - j)
    .map(([item], at) => ({ ...item, number: at + 1 }));
}

function onTheirWay() {
  return entries()
    .filter((item) => item.about === now.detail.id && item.kind === "comment")
    .map((item) => ({
      ...item.body,
      id: `waiting-${item.key}`,
      key: item.key,
      replaces: item.replaces,
      waiting: true,
      mine: true,
      status: "open",
      author: "",
      created: "",
    }));
}

export const fallen = () => now.detail?.comments.filter((item) => item.status === "withdrawn") ?? [];
export const commentOf = (id) => standing().find((item) => item.id === id);

export function merge(comment) {
  if (!now.detail || !comment) return;
  const older = new Set(comment.supersedes ?? []);
  const others = now.detail.comments
    .filter((item) => item.id !== comment.id)
    .map((item) => (older.has(item.id) ? { ...item, status: "superseded" } : item));
  now.detail.comments = [...others, comment];
  tell("comments");
}
