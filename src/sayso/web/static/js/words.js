// Cutting text into pieces: for differences, and for walking through it by keyboard.
const PIECE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]|[\p{L}\p{N}\p{M}_'’]+|\s+|[^]/gu;

// Words of alphabets whole, characters of Chinese one by one, everything else by itself.
export const pieces = (text) => text.match(PIECE) ?? [];

const SHORT = /(?:^|\s)\p{Lu}\p{L}{0,2}\.\s*$/u; // a title such as “Dr.” ends no sentence

// The stretches a person would step through: [start, end) in UTF-16 units.
export function steps(text, granularity) {
  if (!Intl.Segmenter) return plain(text, granularity);
  const found = [];
  let before = "";
  for (const { segment, index, isWordLike } of new Intl.Segmenter(undefined, { granularity }).segment(text)) {
    const length = segment.trimEnd().length;
    if (!length || (granularity === "word" && !isWordLike && /^[\s\p{P}]*$/u.test(segment))) continue;
    if (granularity === "sentence" && SHORT.test(before)) found.at(-1)[1] = index + length;
    else found.push([index, index + length]);
    before = segment;
  }
  return found;
}

function plain(text, granularity) {
  const pattern = granularity === "word" ? /[\p{Script=Han}]|[\p{L}\p{N}'’]+/gu : /[^.!?。！？\n]+[.!?。！？]*/gu;
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]);
}
