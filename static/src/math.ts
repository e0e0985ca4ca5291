/** Sets the formulas of a page: `.math[data-tex]` becomes KaTeX's own elements. */

import katex from "katex";

export function renderMath(root: ParentNode = document): void {
  for (const element of root.querySelectorAll<HTMLElement>(".math[data-tex]:not([data-set])")) {
    katex.render(element.dataset["tex"] ?? "", element, {
      displayMode: element.classList.contains("math-block"),
      throwOnError: false,
      trust: false,
    });
    element.dataset["set"] = "";
  }
}

renderMath();
