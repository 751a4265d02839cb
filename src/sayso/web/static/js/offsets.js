// Offsets. The store counts code points; the browser counts UTF-16 units.
export const toPoints = (text, unit) => {
  let points = 0;
  for (let at = 0; at < unit; points += 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return points;
};
export const toUnits = (text, point) => {
  let at = 0;
  for (let seen = 0; seen < point && at < text.length; seen += 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
};

// Where the selection lies in the element's text, in UTF-16 units, or null when it is not in there or empty.
export function selected(element) {
  const selection = getSelection();
  if (!selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  if (range.collapsed || !range.intersectsNode(element)) return null;
  const start = element.contains(range.startContainer) ? unitsBefore(element, range.startContainer, range.startOffset) : 0;
  const end = element.contains(range.endContainer) ? unitsBefore(element, range.endContainer, range.endOffset) : element.textContent.length;
  return trimmed(element.textContent, start, end);
}

function unitsBefore(element, node, offset) {
  const range = document.createRange();
  range.selectNodeContents(element);
  range.setEnd(node, offset);
  return range.toString().length;
}

// Without the blanks at both ends, and never through the middle of a character.
function trimmed(text, start, end) {
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  if (start > 0 && isLow(text, start)) start -= 1;
  if (end < text.length && isLow(text, end)) end += 1;
  return start < end ? { start, end } : null;
}

const isLow = (text, at) => text.charCodeAt(at) >= 0xdc00 && text.charCodeAt(at) <= 0xdfff;

// A DOM range over [start, end) of the element's text.
export function rangeOf(element, start, end) {
  const range = document.createRange();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  let begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const after = before + node.length;
    if (!begun && start < after) {
      range.setStart(node, start - before);
      begun = true;
    }
    if (begun && end <= after) {
      range.setEnd(node, end - before);
      return range;
    }
    before = after;
  }
  range.selectNodeContents(element);
  return range;
}
