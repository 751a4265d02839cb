// The first answer came with the page: it is shown before anything is fetched that the page is worked with.
function rest() {
  for (const name of JSON.parse(document.getElementById("rest").textContent)) {
    const href = new URL(`${name}.js`, import.meta.url);
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
  }
  import("./review.js");
}

if (document.hidden) rest(); // what is hidden is not drawn
else requestAnimationFrame(() => setTimeout(rest));
