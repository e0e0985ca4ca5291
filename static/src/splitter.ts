/** A bar between two panels, moved by pointer or keyboard; its place is remembered. */

const STEP = 2;

/** `bar` is a `role=separator` inside the grid that reads the custom property `data-property`. */
export function makeSplitter(bar: HTMLElement): void {
  const box = bar.parentElement;
  const property = bar.dataset["property"];
  if (!box || !property) return;
  const upright = bar.getAttribute("aria-orientation") === "vertical";
  const [least, most] = [Number(bar.getAttribute("aria-valuemin")), Number(bar.getAttribute("aria-valuemax"))];
  const initial = Number(bar.getAttribute("aria-valuenow"));
  const key = `yimian:split:${property}`;

  const place = (percent: number): void => {
    const value = Math.round(Math.min(most, Math.max(least, percent)) * 10) / 10;
    box.style.setProperty(property, `${value}%`);
    bar.setAttribute("aria-valuenow", String(value));
  };
  const remember = (): void => {
    try {
      localStorage.setItem(key, bar.getAttribute("aria-valuenow") ?? "");
    } catch {
      // storage is switched off or full: the place holds until the page is left
    }
  };
  const move = (event: PointerEvent): void => {
    const area = box.getBoundingClientRect();
    place(upright ? ((event.clientX - area.left) / area.width) * 100 : ((event.clientY - area.top) / area.height) * 100);
  };

  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    bar.addEventListener("pointermove", move);
    event.preventDefault();
    bar.focus();
  });
  bar.addEventListener("lostpointercapture", () => {
    bar.removeEventListener("pointermove", move);
    remember();
  });
  bar.addEventListener("dblclick", () => {
    place(initial);
    remember();
  });
  bar.addEventListener("keydown", (event) => {
    const now = Number(bar.getAttribute("aria-valuenow"));
    const target: Record<string, number> = {
      [upright ? "ArrowLeft" : "ArrowUp"]: now - STEP,
      [upright ? "ArrowRight" : "ArrowDown"]: now + STEP,
      Home: least,
      End: most,
      Enter: initial,
    };
    const next = target[event.key];
    if (next === undefined) return;
    event.preventDefault();
    place(next);
    remember();
  });

  place(Number(storedPlace(key)) || initial);
}

function storedPlace(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
