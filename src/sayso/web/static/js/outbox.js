// What is written goes into this box before it goes out, and leaves it when the server has said that it is kept.
// The box survives a reload, a lost connection and a server's restart; a key in each request makes sending twice harmless.
import { call, Offline, Refused } from "./api.js";
import { data } from "./dom.js";

const NAME = `sayso.outbox.${data("me")?.id ?? ""}`;
export const box = new EventTarget();
const waiting = new Map(); // key → {resolve, reject} of those who asked in this page
let running = false;
let timer = 0;
let wait = 1000;

export const entries = () => JSON.parse(localStorage.getItem(NAME) || "[]");
export const pending = () => entries().length;

function keep(list) {
  localStorage.setItem(NAME, JSON.stringify(list));
  box.dispatchEvent(new CustomEvent("change", { detail: list.length }));
}

// Resolves with the answer once sent; "held" is called if it has to wait for the connection.
export function send({ key, method, path, body, about = null, kind = "", replaces = null }, held = () => {}) {
  const entry = { key, method, path, body, about, kind, replaces };
  keep([...entries().filter((item) => item.key !== key), entry]);
  return new Promise((resolve, reject) => {
    waiting.set(key, { resolve, reject, held });
    flush();
  });
}

export function drop(key) {
  keep(entries().filter((item) => item.key !== key));
  waiting.delete(key);
}

export async function flush() {
  if (running) return;
  running = true;
  clearTimeout(timer);
  try {
    for (let next = entries()[0]; next; next = entries()[0]) await deliver(next);
    wait = 1000;
  } catch (error) {
    if (!(error instanceof Offline)) throw error;
    for (const item of entries()) waiting.get(item.key)?.held();
    box.dispatchEvent(new CustomEvent("offline"));
    timer = setTimeout(flush, wait);
    wait = Math.min(wait * 2, 15000);
  } finally {
    running = false;
  }
}

async function deliver(entry) {
  const asked = waiting.get(entry.key);
  try {
    const answer = await call(entry.method, entry.path, entry.body);
    drop(entry.key);
    box.dispatchEvent(new CustomEvent("sent", { detail: { entry, answer } }));
    asked?.resolve(answer);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) throw new Offline(); // signed out: keep it until somebody signs in again
    drop(entry.key);
    box.dispatchEvent(new CustomEvent("refused", { detail: { entry, error, asked: Boolean(asked) } }));
    asked?.reject(error);
  }
}

addEventListener("online", () => {
  wait = 1000;
  flush();
});
addEventListener("storage", (event) => {
  if (event.key === NAME) box.dispatchEvent(new CustomEvent("change", { detail: pending() }));
});
