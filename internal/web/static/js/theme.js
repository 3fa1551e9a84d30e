// Light or dark: what the reader chose, else what the page asks for, else what the browser prefers.
// It runs before anything is drawn, so it is not a module.
(() => {
  const root = document.documentElement;
  const key = "berdlhub-theme";
  const read = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is switched off: the choice lasts for this page
    }
  };
  const chosen = read();
  if ((chosen === "light" || chosen === "dark") && !root.dataset.bsTheme) root.dataset.bsTheme = chosen;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const now = root.dataset.bsTheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      root.dataset.bsTheme = now === "dark" ? "light" : "dark";
      try {
        localStorage.setItem(key, root.dataset.bsTheme);
      } catch {
        // as above
      }
    });
  });
})();
