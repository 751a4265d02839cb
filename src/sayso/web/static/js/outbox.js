// What is written goes into this box before it goes out, and leaves it when the server has said that it is kept.
// The box survives a reload, a lost connection and a server's restart; a key in each request makes sending twice harmless.
// All windows of a browser share it: every entry has a place of its own there, and each window sends its own entries, and
// those of windows that are gone.
import { call, Offline, Refused } from "./api.js";
import { data, newKey } from "./dom.js";

const NAME = `sayso.outbox.${data("me")?.id ?? ""}`;
const LOOK = 1000; // milliseconds; so often one looks whether a window has left something behind
const GONE = 180000; // milliseconds; for so long a window that is there may not have tried
export const box = new EventTarget();
const waiting = new Map(); // key → {resolve, reject, held} of those who asked in this page
const { locks } = navigator; // browsers have them on this machine and on secure sites only
const here = locks ? newKey() : (sessionStorage.getItem(NAME) ?? newKey()); // without locks: the same after a reload
const lockOf = (tab) => `${NAME}.${tab}`;
let running = false;
let timer = 0;
let wait = 1000;
let count = 0;

if (locks) locks.request(lockOf(here), () => new Promise(() => {})); // held for as long as this window is there
else sessionStorage.setItem(NAME, here);

export const entries = () =>
  Object.keys(localStorage)
    .filter((name) => name.startsWith(`${NAME}.`))
    .sort()
    .map((name) => JSON.parse(localStorage.getItem(name)))
    .filter(Boolean); // another window has just removed it
export const pending = () => entries().length;
const mine = () => entries().filter((item) => item.tab === here);
const others = () => entries().filter((item) => item.tab !== here);

const tell = () => box.dispatchEvent(new CustomEvent("change", { detail: pending() }));
const put = (entry) => localStorage.setItem(entry.place, JSON.stringify(entry));

// Resolves with the answer once sent; "held" is called if it has to wait for the connection.
export function send({ key, method, path, body, about = null, kind = "", replaces = null }, held = () => {}) {
  const now = Date.now();
  const place = `${NAME}.${String(now).padStart(15, "0")}.${String((count += 1)).padStart(6, "0")}.${here}`;
  const older = entries().filter((item) => item.key === key || (item.path === path && /\/(verdict|state)$/.test(path)));
  put({ key, method, path, body, about, kind, replaces, place, tab: here, tried: now });
  for (const item of older) {
    localStorage.removeItem(item.place); // what is said now holds in its place
    if (item.key !== key) waiting.get(item.key)?.resolve(null);
  }
  tell();
  return new Promise((resolve, reject) => {
    waiting.set(key, { resolve, reject, held });
    flush();
  });
}

export function drop(key) {
  for (const item of entries()) if (item.key === key) localStorage.removeItem(item.place);
  waiting.delete(key);
  tell();
}

export async function flush() {
  if (running) return;
  running = true;
  clearTimeout(timer);
  try {
    await adopt();
    for (let next = mine()[0]; next; next = mine()[0]) await deliver(next);
    wait = 1000;
    if (others().length) timer = setTimeout(flush, LOOK);
  } catch (error) {
    if (!(error instanceof Offline)) throw error;
    for (const item of mine()) {
      put({ ...item, tried: Date.now() });
      waiting.get(item.key)?.held();
    }
    box.dispatchEvent(new CustomEvent("offline"));
    timer = setTimeout(flush, wait);
    wait = Math.min(wait * 2, 15000);
  } finally {
    running = false;
  }
}

// Takes over what windows have left behind that are gone; one window at a time.
async function adopt() {
  if (!others().length) return;
  const all = async () => {
    const there = await present();
    for (const item of others()) if (!there(item)) put({ ...item, tab: here });
  };
  await (locks ? locks.request(`${NAME}.adopting`, all) : all());
}

// Says of an entry whether the window that wrote it is still there.
async function present() {
  if (!locks) return (item) => Date.now() - item.tried < GONE;
  const held = new Set((await locks.query()).held.map((lock) => lock.name));
  return (item) => held.has(lockOf(item.tab));
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
  if (event.key?.startsWith(`${NAME}.`)) tell();
});
