/** Keys for mentors: digits choose a level, j and k move between criteria. */

import { isComposing, isTyping } from "./shortcuts";

const criteria = [...document.querySelectorAll<HTMLFieldSetElement>("[data-criterion]")];

function current(): number {
  return criteria.findIndex((criterion) => criterion.contains(document.activeElement));
}

function go(step: number): void {
  const at = current();
  const next = at === -1 ? (step > 0 ? 0 : criteria.length - 1) : Math.min(criteria.length - 1, Math.max(0, at + step));
  const criterion = criteria[next];
  criterion?.focus();
  criterion?.scrollIntoView({ block: "nearest" });
}

function choose(digit: number): void {
  const levels = criteria[current()]?.querySelectorAll<HTMLInputElement>('input[type="radio"]');
  const level = levels?.[digit - 1];
  if (!level) return;
  level.checked = true;
  level.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Points chosen so far, so that the total is seen before it is published. */
function showTotal(): void {
  const place = document.querySelector("[data-total]");
  const chosen = document.querySelectorAll<HTMLInputElement>("[data-criterion] input[type=radio]:checked");
  const total = [...chosen].reduce((sum, input) => sum + Number(input.value), 0);
  if (place) place.textContent = String(Math.round(total * 100) / 100);
  const open = document.querySelector("[data-undecided]");
  if (open) open.textContent = String(criteria.length - chosen.length);
}

addEventListener("keydown", (event) => {
  const radio = event.target instanceof HTMLInputElement && event.target.type === "radio";
  if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) && !radio) return;
  if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else if (/^[1-9]$/.test(event.key)) choose(Number(event.key));
  else return;
  event.preventDefault();
});
document.addEventListener("change", showTotal);
showTotal();
