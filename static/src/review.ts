/** Keys for mentors: digits choose a level, j and k move between criteria, n finds an open one. */

import { isComposing, isTyping } from "./shortcuts";

const criteria = [...document.querySelectorAll<HTMLFieldSetElement>("[data-criterion]")];

function current(): number {
  return criteria.findIndex((criterion) => criterion.contains(document.activeElement));
}

/** Go to a neighbour; what is folded away stands at 0 and is passed over. */
function go(step: number): void {
  const at = current();
  const onTheWay = step > 0 ? criteria.slice(at + 1) : criteria.slice(0, at === -1 ? undefined : at).reverse();
  show(onTheWay.find((criterion) => !criterion.closest("details:not([open])")));
}

/** Go to the next criterion without a level, from here around to here. */
function goToOpen(): void {
  const from = current() + 1;
  show([...criteria.slice(from), ...criteria.slice(0, from)].find((criterion) => !isDecided(criterion)));
}

function isDecided(criterion: HTMLElement): boolean {
  return criterion.querySelector("input[type=radio]:checked") !== null;
}

function show(criterion: HTMLElement | undefined): void {
  const folded = criterion?.closest<HTMLDetailsElement>("details:not([open])");
  if (folded) folded.open = true;
  criterion?.focus({ preventScroll: true });
  criterion?.scrollIntoView({ block: "center" });
}

function choose(digit: number): void {
  const levels = criteria[current()]?.querySelectorAll<HTMLInputElement>('input[type="radio"]');
  const level = levels?.[digit - 1];
  if (!level) return;
  level.checked = true;
  for (const type of ["input", "change"]) level.dispatchEvent(new Event(type, { bubbles: true }));
}

/** Points chosen so far, so that the total is seen before it is published. */
function showTotal(): void {
  const place = document.querySelector("[data-total]");
  const chosen = document.querySelectorAll<HTMLInputElement>("[data-criterion] input[type=radio]:checked");
  const total = [...chosen].reduce((sum, input) => sum + Number(input.value), 0);
  if (place) place.textContent = String(Math.round(total * 100) / 100);
  const open = document.querySelector("[data-undecided]");
  if (open) open.textContent = String(criteria.filter((criterion) => !isDecided(criterion)).length);
}

/** Marks that were chosen and not sent are worth a question before the page goes. */
function guardUnsaved(): void {
  const form = document.querySelector<HTMLFormElement>("[data-review]");
  let changed = false;
  form?.addEventListener("input", () => (changed = true));
  form?.addEventListener("submit", () => (changed = false));
  addEventListener("beforeunload", (event) => changed && event.preventDefault());
}

addEventListener("keydown", (event) => {
  const radio = event.target instanceof HTMLInputElement && event.target.type === "radio";
  if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) && !radio) return;
  if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else if (event.key === "n") goToOpen();
  else if (/^[1-9]$/.test(event.key)) choose(Number(event.key));
  else return;
  event.preventDefault();
});
document.addEventListener("change", showTotal);
showTotal();
guardUnsaved();
