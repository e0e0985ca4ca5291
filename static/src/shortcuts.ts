/** Keys of the room. A key that belongs to an input method never counts. */

export interface RoomKeys {
  run(): void;
  submit(): void;
  help(): void;
}

/** Listen before the editor does: it has meanings of its own for some of these keys. */
export function listenForKeys(keys: RoomKeys): void {
  addEventListener("keydown", (event) => {
    const action = actionFor(event, keys);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }, { capture: true });
}

function actionFor(event: KeyboardEvent, keys: RoomKeys): (() => void) | null {
  if (isComposing(event) || event.repeat || document.querySelector("dialog[open]")) return null;
  const mod = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && mod) return event.shiftKey ? keys.submit : keys.run;
  if (event.key === "F9" && !mod) return keys.run;
  if (event.key === "F10" && !mod && !event.shiftKey) return keys.submit;
  if (event.key === "?" && !isTyping(event.target)) return keys.help;
  return null;
}

/** 229 is what browsers report while an input method is choosing characters. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
