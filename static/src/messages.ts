/** Translated texts, which the template hands over as JSON in `data-messages`. */

export type Messages = (id: string, values?: Record<string, string | number>) => string;

export function messagesFrom(element: HTMLElement): Messages {
  const texts = JSON.parse(element.dataset["messages"] ?? "{}") as Record<string, string>;
  return (id, values = {}) =>
    (texts[id] ?? id).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
