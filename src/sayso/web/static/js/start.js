// The first answer came with the page: it is shown before anything is fetched that the page is worked with.
function rest() {
  document.head.append(document.getElementById("rest").content);
  import("./review.js");
}

if (document.hidden) rest(); // what is hidden is not drawn
else requestAnimationFrame(() => setTimeout(rest));
