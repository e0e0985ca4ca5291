/** A server, a browser's store and a clock that do as they are told. */

import { ApiError } from "../src/api";
import type { DraftStore, KeptVersion, LocalDraft, SaveState } from "../src/drafts";
import { DraftKeeper, reconcile } from "../src/drafts";
import type { DraftReceipt, ServerDraft } from "../src/types";

/** Time that moves only when told to. */
export class FakeTimers {
  private time = 0;
  private next = 1;
  private readonly waiting = new Map<number, { at: number; action: () => void }>();

  now = (): number => this.time;

  after = (ms: number, action: () => void): number => {
    this.waiting.set(this.next, { at: this.time + ms, action });
    return this.next++;
  };

  cancel = (handle: number): void => void this.waiting.delete(handle);

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.waiting].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.waiting.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].action();
      await settle();
    }
    this.time = end;
  }
}

/** Let promises that are already decided run on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Keeps the newest draft, as the real one does. */
export class FakeServer {
  draft: ServerDraft = { text: "", sequence: 0, saved_at: null };
  received: number[] = [];
  refuse: ApiError | null = null;
  private held: Promise<void> | null = null;

  /** Keep the next request on its way until the returned function is called. */
  holdNext(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => release();
  }

  send = async (draft: { text: string; sequence: number }): Promise<DraftReceipt> => {
    const held = this.held;
    this.held = null;
    await held;
    this.received.push(draft.sequence);
    if (this.refuse) throw this.refuse;
    const newer = this.draft.sequence > draft.sequence;
    if (newer || (this.draft.sequence === draft.sequence && this.draft.text !== draft.text)) {
      throw new ApiError(409, "stale_draft", "stale", null, { draft: this.draft });
    }
    this.draft = { ...draft, saved_at: "2026-01-01T00:00:00Z" };
    return { sequence: draft.sequence, saved_at: "2026-01-01T00:00:00Z", remaining_ms: null };
  };
}

export class FakeStore implements DraftStore {
  draft: LocalDraft | null = null;
  write = (draft: LocalDraft): void => void (this.draft = draft);
  clear = (): void => void (this.draft = null);
}

/** A keeper with everything around it within reach. */
export class Bench {
  readonly timers = new FakeTimers();
  readonly store = new FakeStore();
  readonly states: SaveState["name"][] = [];
  readonly kept: KeptVersion[] = [];
  replaced: string | null = null;
  over = false;
  choose: ((choice: "mine" | "theirs") => void) | null = null;
  readonly keeper: DraftKeeper;

  constructor(
    readonly server: FakeServer = new FakeServer(),
    locals: LocalDraft[] = [],
  ) {
    this.keeper = new DraftKeeper(reconcile(server.draft, locals), {
      send: server.send,
      store: this.store,
      timers: this.timers,
      onState: ({ name }) => this.states.push(name),
      onConflict: (_theirs, choose) => void (this.choose = choose),
      onReceipt: () => undefined,
      onOver: () => void (this.over = true),
      onReplace: (text) => void (this.replaced = text),
      onKept: (version) => this.kept.push(version),
    });
  }
}
