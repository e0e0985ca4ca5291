/** Small helpers to find and to build elements. */

type Child = Node | string | null;

/** Find an element that the template promises to hold. */
export function must<T extends HTMLElement = HTMLElement>(selector: string, root: ParentNode = document): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Build an element; `className` first because nearly all have one. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** Wall-clock time as people read it: 12:03:41. */
export function clockText(at: Date): string {
  return at.toLocaleTimeString(document.documentElement.lang, { hour12: false });
}
