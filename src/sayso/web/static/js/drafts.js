// What is being written: in this browser at every keystroke, on the server half a second later.
import { call, Offline, Refused } from "./api.js";
import { data, later } from "./dom.js";

const who = data("me")?.id ?? "";
const name = (response) => `sayso.draft.${who}.${response}`;
const path = (response) => `/api/responses/${encodeURIComponent(response)}/draft`;
const unsent = new Map();

const push = later(() => pushAll(), 500);

function pushAll(keepalive = false) {
  for (const [response, body] of [...unsent]) {
    unsent.delete(response);
    const done =
      body === null ? call("DELETE", path(response), undefined, { keepalive }) : call("PUT", path(response), { body }, { keepalive });
    done.catch((error) => {
      // The browser still has it; the server gets it with the next keystroke.
      if (!(error instanceof Offline || error instanceof Refused)) throw error;
      if (error instanceof Offline && !unsent.has(response)) unsent.set(response, body);
    });
  }
}

export function keepDraft(response, part, value) {
  const body = { ...local(response), [part]: value, updated: Date.now() };
  if (value === null) delete body[part];
  const empty = !Object.keys(body).some((key) => key !== "updated");
  if (empty) localStorage.removeItem(name(response));
  else localStorage.setItem(name(response), JSON.stringify(body));
  unsent.set(response, empty ? null : body);
  if (empty) pushAll();
  else push();
}

export const local = (response) => JSON.parse(localStorage.getItem(name(response)) || "null") ?? {};

// The newer of the browser's and the server's, which is the browser's from here on.
export function draftOf(response, kept) {
  const mine = local(response);
  if ((kept?.updated ?? 0) > (mine.updated ?? 0) && !unsent.has(response)) localStorage.setItem(name(response), JSON.stringify(kept));
  return local(response);
}

export const hasDraft = (response) => localStorage.getItem(name(response)) !== null;

addEventListener("pagehide", () => pushAll(true));
