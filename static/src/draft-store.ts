/** Unconfirmed drafts and kept versions in local storage, apart for each open page. */

import type { DraftStore, KeptVersion, LocalDraft } from "./drafts";

const DRAFT = "yimian:draft:";
const KEPT = "yimian:kept:";
const KEPT_MOST = 10;

/**
 * Each open page writes under a key of its own, so that two tabs cannot overwrite each other. A
 * page that opens takes over what earlier ones left behind.
 */
export class BrowserDraftStore implements DraftStore {
  private readonly prefix: string;
  private readonly key: string;

  constructor(
    private readonly attemptId: string,
    private readonly storage: Storage | null = availableStorage(),
  ) {
    this.prefix = `${DRAFT}${attemptId}:`;
    this.key = `${this.prefix}${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
  }

  /** Read and remove what earlier pages left; write it again at once if it matters. */
  takeOver(): LocalDraft[] {
    const found: LocalDraft[] = [];
    for (const key of this.keys()) {
      const draft = parse<LocalDraft>(this.storage?.getItem(key));
      if (draft) found.push(draft);
      this.storage?.removeItem(key);
    }
    return found;
  }

  write(draft: LocalDraft): void {
    this.put(this.key, draft);
  }

  clear(): void {
    this.storage?.removeItem(this.key);
  }

  kept(): KeptVersion[] {
    return parse<KeptVersion[]>(this.storage?.getItem(KEPT + this.attemptId)) ?? [];
  }

  keep(version: KeptVersion): void {
    const others = this.kept().filter(({ text }) => text !== version.text);
    this.put(KEPT + this.attemptId, [version, ...others].slice(0, KEPT_MOST));
  }

  private keys(): string[] {
    return Object.keys(this.storage ?? {}).filter((key) => key.startsWith(this.prefix));
  }

  private put(key: string, value: unknown): void {
    try {
      this.storage?.setItem(key, JSON.stringify(value));
    } catch {
      // Full: the copy on its way to the server is then the only one, and its state is shown.
    }
  }
}

function availableStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function parse<T>(text: string | null | undefined): T | null {
  try {
    return text ? (JSON.parse(text) as T) : null;
  } catch {
    return null; // written by something else, or cut short
  }
}
