/** Keeps what is typed: in this browser at once, on the server soon, and never loses a version. */

import { ApiError } from "./api";
import type { DraftReceipt, ServerDraft } from "./types";

/** Typed here and not yet confirmed by the server. `base` is the last sequence it confirmed. */
export interface LocalDraft {
  text: string;
  sequence: number;
  base: number;
}

/** A version that was set aside because another one is on screen. */
export interface KeptVersion {
  text: string;
  origin: "browser" | "server";
}

export type SaveState =
  | { name: "saved"; at: Date | null }
  | { name: "saving" | "unsaved" | "offline" | "signed-out" | "too-large" };

/** Unconfirmed drafts of one attempt in this browser. */
export interface DraftStore {
  write(draft: LocalDraft): void;
  /** Forget this page's draft: the server has it. */
  clear(): void;
}

export interface Timers {
  now(): number;
  after(ms: number, action: () => void): number;
  cancel(handle: number): void;
}

export interface KeeperParts {
  send(draft: { text: string; sequence: number }, leaving: boolean): Promise<DraftReceipt>;
  store: DraftStore;
  timers: Timers;
  onState(state: SaveState): void;
  /** Another tab or device has written a newer version; `settle` says which one goes on. */
  onConflict(theirs: ServerDraft, settle: (choice: "mine" | "theirs") => void): void;
  onReceipt(receipt: DraftReceipt): void;
  onOver(): void;
  /** The text on screen has to become this one. */
  onReplace(text: string): void;
  onKept(version: KeptVersion): void;
}

export const QUIET_MS = 2_000;
export const LONGEST_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export interface Opening {
  text: string;
  sequence: number;
  confirmed: number;
  kept: KeptVersion[];
}

/**
 * Decide what the editor opens with. The highest sequence wins; every other version with a text
 * of its own is kept, unless the winner plainly grew out of it.
 */
export function reconcile(server: ServerDraft, locals: readonly LocalDraft[]): Opening {
  const unsent = locals.filter((draft) => draft.text !== server.text);
  const newest = unsent.reduce<LocalDraft | null>(
    (best, draft) => (draft.sequence > (best?.sequence ?? server.sequence) ? draft : best),
    null,
  );
  const kept: KeptVersion[] = unsent
    .filter((draft) => draft !== newest && draft.text !== newest?.text)
    .map((draft) => ({ text: draft.text, origin: "browser" }));
  if (newest && newest.base < server.sequence) kept.push({ text: server.text, origin: "server" });
  return {
    text: newest?.text ?? server.text,
    sequence: newest?.sequence ?? server.sequence,
    confirmed: server.sequence,
    kept: kept.filter((version) => version.text.trim() !== ""),
  };
}

/** Saves one attempt's draft. Every change has a sequence number of its own. */
export class DraftKeeper {
  private text: string;
  private sequence: number;
  private confirmed: number;
  private dirtySince: number | null = null;
  private timer: number | null = null;
  private retryMs = FIRST_RETRY_MS;
  private inFlight = false;
  private stopped = false;
  private conflict = false;
  private partedWith: number | null = null;
  private readonly sent = new Map<number, string>();

  constructor(
    opening: Opening,
    private readonly parts: KeeperParts,
  ) {
    this.text = opening.text;
    this.sequence = opening.sequence;
    this.confirmed = opening.confirmed;
    if (this.isDirty) {
      this.remember();
      this.schedule(0);
    }
  }

  get isDirty(): boolean {
    return this.sequence > this.confirmed;
  }

  changed(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.sequence += 1;
    this.remember();
    if (!this.conflict) this.parts.onState({ name: "unsaved" });
    this.schedule(this.quietDelay());
  }

  /** Send now what is not confirmed. `leaving` lets the request outlive the page. */
  async flush(leaving = false): Promise<void> {
    this.cancelTimer();
    if (!this.isDirty || this.stopped || this.conflict || (this.inFlight && !leaving)) return;
    if (leaving && this.partedWith === this.sequence) return; // several events announce one leave
    if (leaving) this.partedWith = this.sequence;
    const draft = { text: this.text, sequence: this.sequence };
    this.sent.set(draft.sequence, draft.text);
    this.inFlight = true;
    this.parts.onState({ name: "saving" });
    try {
      this.confirm(await this.parts.send(draft, leaving));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed(error, draft);
    } finally {
      this.inFlight = false;
    }
    if (this.isDirty && this.timer === null) this.schedule(this.quietDelay());
  }

  /** The interview is over: nothing more will be accepted. */
  stop(): void {
    this.stopped = true;
    this.cancelTimer();
  }

  private quietDelay(): number {
    const sinceFirst = this.parts.timers.now() - (this.dirtySince ?? this.parts.timers.now());
    return Math.max(0, Math.min(QUIET_MS, LONGEST_MS - sinceFirst));
  }

  private remember(): void {
    this.dirtySince ??= this.parts.timers.now();
    this.parts.store.write({ text: this.text, sequence: this.sequence, base: this.confirmed });
  }

  private confirm(receipt: DraftReceipt): void {
    this.confirmed = Math.max(this.confirmed, receipt.sequence);
    for (const sequence of this.sent.keys()) if (sequence < this.confirmed) this.sent.delete(sequence);
    this.retryMs = FIRST_RETRY_MS;
    this.parts.onReceipt(receipt);
    if (this.isDirty) {
      this.dirtySince = this.parts.timers.now();
      this.parts.onState({ name: "unsaved" });
      return;
    }
    this.settled(new Date(receipt.saved_at));
  }

  private settled(at: Date | null): void {
    this.dirtySince = null;
    this.parts.store.clear();
    this.parts.onState({ name: "saved", at });
  }

  private failed(error: ApiError, draft: { text: string; sequence: number }): void {
    if (error.code === "stale_draft") this.meet(error.body["draft"] as ServerDraft, draft.sequence);
    else if (error.code === "interview_over") this.over();
    else if (error.isTemporary) this.retryLater(error);
    else this.refused(error);
  }

  private over(): void {
    this.stop();
    this.parts.onState({ name: "unsaved" });
    this.parts.onOver();
  }

  private retryLater(error: ApiError): void {
    this.parts.onState({ name: error.status === 0 ? "offline" : "unsaved" });
    this.schedule(error.retryAfter ?? this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  private refused(error: ApiError): void {
    const signedOut = error.status === 401 || error.status === 403;
    this.parts.onState({ name: signedOut ? "signed-out" : error.status === 413 ? "too-large" : "unsaved" });
    this.schedule(LAST_RETRY_MS);
  }

  /** The server holds something newer than what we sent: our own later save, or somebody else's. */
  private meet(theirs: ServerDraft, sentSequence: number): void {
    if (sentSequence < this.confirmed || this.sent.get(theirs.sequence) === theirs.text) {
      this.confirmed = Math.max(this.confirmed, theirs.sequence);
      return;
    }
    if (theirs.text === this.text) {
      this.sequence = this.confirmed = theirs.sequence;
      this.settled(theirs.saved_at ? new Date(theirs.saved_at) : null);
      return;
    }
    this.conflict = true;
    this.parts.onState({ name: "unsaved" });
    this.parts.onConflict(theirs, (choice) => this.settle(theirs, choice));
  }

  private settle(theirs: ServerDraft, choice: "mine" | "theirs"): void {
    this.conflict = false;
    this.confirmed = theirs.sequence;
    if (choice === "mine") {
      this.parts.onKept({ text: theirs.text, origin: "server" });
      this.sequence = Math.max(this.sequence, theirs.sequence) + 1;
      this.remember();
      void this.flush();
      return;
    }
    this.parts.onKept({ text: this.text, origin: "browser" });
    this.text = theirs.text;
    this.sequence = theirs.sequence;
    this.settled(theirs.saved_at ? new Date(theirs.saved_at) : null);
    this.parts.onReplace(theirs.text);
  }

  private schedule(ms: number): void {
    this.cancelTimer();
    if (this.stopped || this.conflict) return;
    this.timer = this.parts.timers.after(ms, () => {
      this.timer = null;
      void this.flush();
    });
  }

  private cancelTimer(): void {
    if (this.timer !== null) this.parts.timers.cancel(this.timer);
    this.timer = null;
  }
}
