// The page's sentences, translated by the server.
const table = JSON.parse(document.getElementById("messages").textContent);
export const language = document.documentElement.lang;

export function t(key, fields = {}) {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? String(fields[name]) : whole));
}

export const number = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value);
export const share = (value) => new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(value);
export const decimal = (value) => new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);

const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function ago(iso, now = Date.now()) {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (!Number.isFinite(seconds)) return "";
  if (Math.abs(seconds) > 30 * 86400) return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(Date.parse(iso));
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  for (const [unit, size] of STEPS) if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  return t("just_now");
}
