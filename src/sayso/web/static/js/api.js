// One way to the server: JSON in, JSON out; a refusal and a lost connection are different errors.
import { t } from "./messages.js";

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.message || t("went_wrong", { status }));
    this.status = status;
    this.body = body ?? {};
  }
}

export class Offline extends Error {}

const AWAY = new Set([502, 503, 504]);
const PATIENCE = 30000; // milliseconds; a connection can be dead without saying so
const meta = document.querySelector('meta[name="csrf"]');

export async function call(method, path, body, how = {}) {
  let answer = await fetched(method, path, body, how);
  if (answer.status === 403 && method !== "GET" && (await renewed())) answer = await fetched(method, path, body, how);
  if (AWAY.has(answer.status)) throw new Offline();
  const found = await answer.json().catch((error) => {
    if (error instanceof SyntaxError) return null; // no JSON, or nothing
    throw new Offline(); // it broke off on the way
  });
  if (!answer.ok) throw new Refused(answer.status, found);
  return found;
}

export const get = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const words = new URLSearchParams(given).toString();
  return call("GET", words ? `${path}?${words}` : path);
};

async function fetched(method, path, body, { keepalive = false, patience = PATIENCE } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Sayso-CSRF"] = meta.content;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      keepalive,
      credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw new Offline();
  }
}

// After the server has restarted, or the session was renewed, the page's value may be stale.
async function renewed() {
  const answer = await fetched("GET", "/api/me");
  if (!answer.ok) return false;
  const me = await answer.json();
  if (!me.csrf || me.csrf === meta.content) return false;
  meta.content = me.csrf;
  return true;
}
