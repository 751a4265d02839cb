// What changed between two texts: Myers' shortest edit script over pieces, with a limit on the work.
import { h } from "./dom.js";
import { t } from "./messages.js";
import { pieces } from "./words.js";

const MOST_EDITS = 1500; // past this the middle is shown as replaced: the answer is a different one anyway
const MOST_PIECES = 20000;

// Returns [[kind, text], …] with kind "same", "gone" or "new"; joining same+gone gives a, same+new gives b.
export function difference(a, b) {
  const one = pieces(a);
  const two = pieces(b);
  let first = 0;
  while (first < one.length && first < two.length && one[first] === two[first]) first += 1;
  let last = 0;
  while (last < one.length - first && last < two.length - first && one.at(-1 - last) === two.at(-1 - last)) last += 1;
  const old = one.slice(first, one.length - last);
  const now = two.slice(first, two.length - last);
  const middle = script(old, now) ?? [
    ["gone", old.join("")],
    ["new", now.join("")],
  ];
  return tidied([["same", one.slice(0, first).join("")], ...middle, ["same", last ? one.slice(-last).join("") : ""]]);
}

function script(a, b) {
  if (!a.length || !b.length)
    return [
      ["gone", a.join("")],
      ["new", b.join("")],
    ];
  if (a.length + b.length > MOST_PIECES) return null;
  const limit = Math.min(a.length + b.length, MOST_EDITS);
  const middle = limit + 1;
  const reach = new Int32Array(2 * limit + 3);
  const trail = [];
  for (let edits = 0; edits <= limit; edits += 1) {
    trail.push(reach.slice(middle - edits - 1, middle + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && reach[middle + k - 1] < reach[middle + k + 1]);
      let x = down ? reach[middle + k + 1] : reach[middle + k - 1] + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach[middle + k] = x;
      if (x >= a.length && x - k >= b.length) return walked(a, b, trail);
    }
  }
  return null;
}

function walked(a, b, trail) {
  const found = [];
  let x = a.length;
  let y = b.length;
  for (let edits = trail.length - 1; edits >= 0; edits -= 1) {
    const row = trail[edits];
    const at = (k) => row[k + edits + 1];
    const k = x - y;
    const down = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
    const fromX = down ? at(k + 1) : at(k - 1);
    const fromY = fromX - (down ? k + 1 : k - 1);
    const startX = edits === 0 ? 0 : fromX + (down ? 0 : 1); // where this run of sameness began
    while (x > startX) {
      found.push(["same", a[(x -= 1)]]);
      y -= 1;
    }
    if (edits === 0) break;
    if (down) found.push(["new", b[(y -= 1)]]);
    else found.push(["gone", a[(x -= 1)]]);
  }
  return found.reverse();
}

// Neighbours of one kind become one; a lone space between two changes belongs to them; gone stands before new.
function tidied(parts) {
  const out = [];
  let gone = "";
  let fresh = "";
  const flush = () => {
    if (gone) out.push(["gone", gone]);
    if (fresh) out.push(["new", fresh]);
    gone = fresh = "";
  };
  parts = parts.filter(([, text]) => text);
  parts.forEach(([kind, text], at) => {
    const between = /^\s+$/.test(text) && !text.includes("\n") && gone && fresh && parts[at + 1]?.[0] !== "same" && at + 1 < parts.length;
    if (kind === "gone") gone += text;
    else if (kind === "new") fresh += text;
    else if (between) {
      gone += text;
      fresh += text;
    } else {
      flush();
      if (out.at(-1)?.[0] === "same") out.at(-1)[1] += text;
      else out.push(["same", text]);
    }
  });
  flush();
  return out;
}

export function drawn(a, b, props = {}) {
  const parts = difference(a, b);
  const marks = parts.map(([kind, text]) =>
    kind === "same"
      ? text
      : h(kind === "gone" ? "del" : "ins", {}, h("span", { class: "unseen" }, t(kind === "gone" ? "removed" : "added")), text),
  );
  return h("div", { class: "diff", ...props }, marks);
}

export const changed = (a, b) =>
  difference(a, b).reduce((sum, [kind, text]) => sum + (kind === "same" ? 0 : pieces(text).filter((piece) => piece.trim()).length), 0);
