// Light or dark: as the system says, or as this switch was left. Runs before the page is painted.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const show = () => {
    root.dataset.theme = chosen() || (system.matches ? "dark" : "light");
    root.dispatchEvent(new Event("theme"));
  };
  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const next = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", next); } catch { /* kept for this page only */ }
      root.dataset.theme = next;
      root.dispatchEvent(new Event("theme"));
    });
  });
})();
