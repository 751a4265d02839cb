// The frame round every page: theme, language, keys, palette, live counts, what is not saved yet.
import { call, Offline, Refused } from "./api.js";
import { $, announce, data, toast } from "./dom.js";
import { bind, showKeys } from "./keys.js";
import { listen } from "./live.js";
import { language, number, t } from "./messages.js";
import { box, flush, pending } from "./outbox.js";
import { openPalette } from "./palette.js";

export const me = data("me");
const PAGES = [
  ["/", "page_review"],
  ["/ab", "page_ab"],
  ["/overview", "page_overview"],
  ["/guideline", "page_guideline"],
  ["/adjudicate", "page_adjudicate", "lead"],
  ["/team", "page_team", "lead"],
];

// `ready` ends when the page can take in what the server answers to what was still waiting.
export function frame({ changed = () => {}, ready = Promise.resolve() } = {}) {
  $("open-palette").addEventListener("click", openPalette);
  $("open-keys").addEventListener("click", showKeys);
  $("switch-theme").addEventListener("click", switchTheme);
  $("switch-language").addEventListener("click", switchLanguage);
  bind(t("group_page"), [
    ["?", t("keys"), showKeys],
    [["/", "Ctrl+K"], t("commands"), openPalette],
    ["l", t("switch_language"), switchLanguage],
    ["t", t("switch_theme"), switchTheme],
    [[], t("sign_out"), signOut],
    ...PAGES.filter(([, , role]) => !role || me?.role === role).map(([path, name]) => [
      [],
      t("go_to", { page: t(name) }),
      () => location.assign(path),
    ]),
  ]);
  box.addEventListener("change", showSaving);
  box.addEventListener("offline", showSaving);
  document.querySelector(".pages [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  showSaving();
  ready.then(flush);
  listen({ counts: showCounts, changed });
}

function switchTheme() {
  const root = document.documentElement;
  const now = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  document.cookie = `sayso_theme=${next}; path=/; max-age=31536000; samesite=strict`; // the server draws the next page so
  announce(t(next === "dark" ? "theme_dark" : "theme_light"));
}

async function switchLanguage() {
  const next = language.startsWith("zh") ? "en" : "zh";
  try {
    await call("PUT", "/api/me", { language: next });
  } catch (error) {
    if (!(error instanceof Offline || error instanceof Refused)) throw error;
    toast(t("no_connection"), { bad: true });
    return;
  }
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  location.assign(address);
}

async function signOut() {
  if (await asked(call("DELETE", "/api/session"))) location.assign("/");
}

let wasWaiting = false;
let slow = 0;

function showSaving() {
  const waits = pending();
  clearTimeout(slow);
  const place = $("saving");
  if (!waits) {
    // What another window has sent is told more than once; the good news stays.
    if (wasWaiting) place.textContent = t("all_saved");
    place.className = "saving";
    wasWaiting = false;
    return;
  }
  // A request under way is no news; one that still waits after a moment is.
  slow = setTimeout(() => {
    if (!pending()) return;
    wasWaiting = true;
    place.textContent = t("not_saved", { n: number(pending()) });
    place.className = "saving waits";
  }, 700);
}

export function showCounts(counts) {
  const place = $("counts");
  place.hidden = false;
  place.textContent = t("counts", { todo: number(counts.todo), done: number(counts.done), comments: number(counts.comments) });
}

// A request whose failure is told to the person and goes no further.
export async function asked(promise) {
  try {
    return (await promise) ?? {};
  } catch (error) {
    if (error instanceof Offline) toast(t("no_connection"), { bad: true });
    else if (error instanceof Refused) toast(error.message, { bad: true });
    else throw error;
    return null;
  }
}
