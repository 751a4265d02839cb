// What others do, as it happens: counts for the header, and which answers have changed.
export function listen({ counts = () => {}, changed = () => {} }) {
  let source = null;
  const start = () => {
    if (source || document.hidden) return;
    source = new EventSource("/api/events");
    source.addEventListener("counts", (event) => counts(JSON.parse(event.data)));
    source.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
  };
  const stop = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}
