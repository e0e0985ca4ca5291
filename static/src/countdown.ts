/** Counts the remaining time on the monotonic clock; the server alone says when it is over. */

export const NOTICE_SECONDS = [900, 600, 300, 60, 30];

export interface CountdownParts {
  now(): number;
  after(ms: number, action: () => void): number;
  cancel(handle: number): void;
  onTick(remainingMs: number): void;
  onNotice(seconds: number): void;
  onZero(): void;
}

export class Countdown {
  private endsAt = 0;
  private timer: number | null = null;
  private lastSeconds = Number.POSITIVE_INFINITY;

  constructor(private readonly parts: CountdownParts) {}

  /** Take over what the server says is left. */
  set(remainingMs: number): void {
    this.endsAt = this.parts.now() + remainingMs;
    this.tick();
  }

  stop(): void {
    if (this.timer !== null) this.parts.cancel(this.timer);
    this.timer = null;
  }

  private tick(): void {
    this.stop();
    const left = Math.max(0, this.endsAt - this.parts.now());
    this.parts.onTick(left);
    this.notify(Math.ceil(left / 1000));
    if (left === 0) this.parts.onZero();
    else this.timer = this.parts.after(left % 1000 || 1000, () => this.tick());
  }

  private notify(seconds: number): void {
    const due = NOTICE_SECONDS.find((limit) => seconds <= limit && this.lastSeconds > limit);
    const first = this.lastSeconds === Number.POSITIVE_INFINITY;
    this.lastSeconds = seconds;
    if (due !== undefined && !first) this.parts.onNotice(due);
  }
}

/** 65 000 → "01:05"; an hour and more → "1:00:05". Rounded up: 0:00 shows only when it is true. */
export function timeText(ms: number): string {
  const total = Math.ceil(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}
