/** What every page needs: the theme switch, times in the reader's zone, questions before big steps. */

const THEME_KEY = "yimian:theme";

function followThemeSwitch(): void {
  for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-theme-switch]")) {
    select.value = document.documentElement.dataset["themeChoice"] ?? "system";
    select.addEventListener("change", () => {
      try {
        localStorage.setItem(THEME_KEY, select.value);
      } catch {
        return; // storage is switched off: nothing to remember the choice in
      }
      dispatchEvent(new Event("yimian:theme"));
    });
  }
}

function localiseTimes(): void {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-local]")) {
    const at = new Date(time.dateTime);
    time.textContent = format.format(at);
    time.title = at.toLocaleString(document.documentElement.lang, { timeZoneName: "short" });
  }
}

/** Buttons that open a dialog name it in `data-opens`. */
function openDialogs(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-opens]")) {
    const dialog = document.getElementById(button.dataset["opens"] ?? "");
    if (dialog instanceof HTMLDialogElement) button.addEventListener("click", () => dialog.showModal());
  }
}

/** A select marked so sends its form at once; without script there is a button. */
function sendOnChange(): void {
  for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-send]")) {
    select.addEventListener("change", () => select.form?.requestSubmit());
  }
}

/** One click is one request: a form that is on its way cannot be sent twice. */
function sendOnce(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset["sent"] !== undefined) event.preventDefault();
      form.dataset["sent"] = "";
    });
    addEventListener("pageshow", () => delete form.dataset["sent"]);
  }
}

/** On paper nothing can be unfolded. */
function unfoldForPrint(): void {
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
}

/** What scrolls sideways has to be reachable by keyboard; what fits should not be a stop. */
function reachScrollers(): void {
  for (const box of document.querySelectorAll<HTMLElement>("pre, .table-scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else if (!box.hasAttribute("aria-label")) box.removeAttribute("tabindex");
  }
}

followThemeSwitch();
localiseTimes();
openDialogs();
sendOnChange();
sendOnce();
unfoldForPrint();
reachScrollers();
addEventListener("resize", reachScrollers);
document.addEventListener("toggle", reachScrollers, { capture: true }); // what unfolds, results of a run among it
