/** The clock of the room: shows it, speaks it at the right moments, and asks the server at the end. */

import { ApiError, call } from "./api";
import { Countdown, timeText } from "./countdown";
import { must } from "./dom";
import type { Messages } from "./messages";
import type { ClockView } from "./types";

const RESYNC_MS = 30_000;
const ASK_AGAIN_MS = 1_000;
const CANNOT_HIDE_MS = 300_000;
const URGENT_MS = 60_000;

export interface ClockParts {
  interviewId: string;
  remainingMs: number;
  messages: Messages;
  announce(text: string): void;
  /** A moment before the end, and at it: the last chance to save. */
  onNearEnd(): void;
  onOver(): void;
}

export class RoomClock {
  private readonly face = must("[data-timer]");
  private readonly text = must("[data-timer-text]");
  private readonly countdown: Countdown;
  private over = false;
  private warned = false;

  constructor(private readonly parts: ClockParts) {
    this.countdown = new Countdown({
      now: () => performance.now(),
      after: (ms, action) => setTimeout(action, ms) as unknown as number,
      cancel: (handle) => clearTimeout(handle),
      onTick: (ms) => this.show(ms),
      onNotice: (seconds) => this.speak(seconds),
      onZero: () => void this.confirmEnd(),
    });
    this.countdown.set(parts.remainingMs);
    setInterval(() => void this.resync(), RESYNC_MS);
    addEventListener("focus", () => void this.resync());
    addEventListener("pageshow", (event) => event.persisted && void this.resync());
    document.addEventListener("visibilitychange", () => !document.hidden && void this.resync());
    must("[data-timer-toggle]").addEventListener("click", () => this.toggle());
  }

  /** Any answer of the server that tells the time. */
  set(remainingMs: number | null): void {
    if (remainingMs !== null && !this.over) this.countdown.set(remainingMs);
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    this.countdown.stop();
    this.parts.onOver();
  }

  private show(ms: number): void {
    this.text.textContent = timeText(ms);
    this.face.dataset["urgency"] = ms <= URGENT_MS ? "now" : ms <= CANNOT_HIDE_MS ? "soon" : "";
    if (ms <= CANNOT_HIDE_MS) delete this.face.dataset["hidden"];
    if (ms <= 3_000 && !this.warned) {
      this.warned = true;
      this.parts.onNearEnd();
    }
  }

  private speak(seconds: number): void {
    const { messages } = this.parts;
    this.parts.announce(seconds >= 60 ? messages("minutes left", { n: seconds / 60 }) : messages("seconds left", { n: seconds }));
  }

  private toggle(): void {
    if ("hidden" in this.face.dataset) delete this.face.dataset["hidden"];
    else this.face.dataset["hidden"] = "";
  }

  private async resync(): Promise<void> {
    if (this.over) return;
    const clock = await this.ask();
    if (clock === null) return;
    if (clock.state === "running") this.set(clock.remaining_ms);
    else this.end();
  }

  private async confirmEnd(): Promise<void> {
    this.parts.onNearEnd();
    while (!this.over) {
      const clock = await this.ask();
      if (clock && clock.state !== "running") return this.end();
      if (clock?.remaining_ms) return this.set(clock.remaining_ms);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  private async ask(): Promise<ClockView | null> {
    try {
      return await call<ClockView>("GET", `/api/interviews/${this.parts.interviewId}/clock`);
    } catch (error) {
      if (error instanceof ApiError) return null; // no answer: the next round asks again
      throw error;
    }
  }
}
