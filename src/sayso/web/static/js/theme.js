// Runs before the first paint: the chosen theme, else the system's.
(function () {
  const system = matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    let chosen = null;
    try {
      chosen = localStorage.getItem("sayso.theme");
    } catch {
      /* storage is forbidden: follow the system */
    }
    document.documentElement.dataset.theme = chosen || (system.matches ? "dark" : "light");
  }
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply);
})();
