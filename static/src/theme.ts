/** Applies the chosen theme before the first paint, and follows the system while it is chosen. */

const KEY = "yimian:theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system"; // storage may be switched off
  }
}

function apply(): void {
  const choice = stored();
  const dark = choice === "dark" || (choice === "system" && system.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  document.documentElement.dataset["themeChoice"] = choice;
}

apply();
system.addEventListener("change", apply);
addEventListener("storage", (event) => event.key === KEY && apply());
addEventListener("yimian:theme", apply);
