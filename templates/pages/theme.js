// Before the first paint: the theme that was chosen here, if one was.
try {
  const chosen = localStorage.getItem("passthru-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden: the system's theme it is.
}
