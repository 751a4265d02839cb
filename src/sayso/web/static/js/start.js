// The first answer came with the page: it is shown before anything is fetched that the page is worked with.
function rest() {
  for (const name of JSON.parse(document.getElementById("rest").textContent)) {
    const href = new URL(`${name}.js`, import.meta.url);
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
  }
  import("./review.js");
}

let begun = false;
function once() {
  if (begun) return;
  begun = true;
  rest();
}

// What is hidden or covered is not drawn, and no frame comes: then a moment is waited instead.
if (document.hidden) once();
else {
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 300);
}
