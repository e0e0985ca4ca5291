/** The environment check of the rules page: what this browser can do, before the clock starts. */

import { must } from "./dom";

function mark(name: string, works: boolean): void {
  const row = must(`[data-check="${name}"]`);
  row.dataset["state"] = works ? "ok" : "error";
  must("[data-check-word]", row).textContent = (works ? row.dataset["ok"] : row.dataset["error"]) ?? "";
}

function storageWorks(): boolean {
  try {
    localStorage.setItem("yimian:check", "1");
    localStorage.removeItem("yimian:check");
    return true;
  } catch {
    return false;
  }
}

mark("script", true);
mark("storage", storageWorks());
