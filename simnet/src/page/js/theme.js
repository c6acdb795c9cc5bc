// Dark or light.

/** Dark or light: as the system has it, until the reader says otherwise. */
function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("simnet-theme");
    } catch {
      return null;
    }
  };
  const apply = () => (document.documentElement.dataset.theme = chosen() ?? (system.matches ? "dark" : "light"));
  system.addEventListener("change", () => {
    apply();
    page.overview.renew();
  });
  apply();
}

function otherTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("simnet-theme", theme);
  } catch {
    // Then it holds until the page is loaded again.
  }
  page.overview.renew();
}
