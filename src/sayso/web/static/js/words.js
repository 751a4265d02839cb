// Cutting text into pieces: for differences, and for walking through it by keyboard.
const PIECE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]|[\p{L}\p{N}\p{M}_'’]+|\s+|[^]/gu;

// Words of alphabets whole, characters of Chinese one by one, everything else by itself.
export const pieces = (text) => text.match(PIECE) ?? [];

// The stretches a person would step through: [start, end) in UTF-16 units.
export function steps(text, granularity) {
  if (!Intl.Segmenter) return plain(text, granularity);
  const found = [];
  for (const part of new Intl.Segmenter(undefined, { granularity }).segment(text)) {
    const length = part.segment.trimEnd().length;
    if (length && (granularity !== "word" || part.isWordLike || /[^\s\p{P}]/u.test(part.segment)))
      found.push([part.index, part.index + length]);
  }
  return found;
}

function plain(text, granularity) {
  const pattern = granularity === "word" ? /[\p{Script=Han}]|[\p{L}\p{N}'’]+/gu : /[^.!?。！？\n]+[.!?。！？]*/gu;
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]);
}
