// Building elements, and saying things to the person in front of the screen.
export const $ = (id) => document.getElementById(id);

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && !name.includes("-") && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const kbd = (key) => h("kbd", { "aria-hidden": "true" }, key);

// The server has cleaned this HTML (no script, no style, nothing from elsewhere).
export function cleaned(html, props = {}) {
  const element = h("div", props);
  element.innerHTML = html;
  for (const table of element.querySelectorAll("table, pre")) table.tabIndex = 0;
  return element;
}

export function announce(words) {
  const region = $("said");
  region.textContent = "";
  setTimeout(() => {
    region.textContent = words;
  }, 30);
}

export function toast(words, { action = null, label = "", hint = "", bad = false } = {}) {
  const box = h("div", { class: bad ? "toast bad" : "toast" }, h("span", {}, words));
  if (action)
    box.append(
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            box.remove();
            action();
          },
        },
        label,
        hint && kbd(hint),
      ),
    );
  const close = () => box.remove();
  let timer = setTimeout(close, bad ? 12000 : 7000);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => {
    timer = setTimeout(close, 3000);
  });
  $("toasts").replaceChildren(box);
  return box;
}

export function dialog(name, title, ...content) {
  const box = h("dialog", { class: `sheet ${name}`, "aria-label": title }, ...content);
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  document.body.append(box);
  box.showModal();
  return box;
}

export const titled = (title, close) =>
  h(
    "header",
    { class: "sheet-head" },
    h("h2", {}, title),
    h(
      "button",
      { type: "button", class: "quiet icon", "aria-label": close, onclick: (event) => event.target.closest("dialog").close() },
      "×",
    ),
  );

export const later = (run, wait) => {
  let timer = 0;
  const set = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), wait);
  };
  set.cancel = () => clearTimeout(timer);
  return set;
};

export const data = (id) => {
  const block = $(id);
  return block ? JSON.parse(block.textContent) : null;
};
export const newKey = () =>
  crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
