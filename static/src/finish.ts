/** Before handing in: sends what this browser still holds, and says what the server will not take. */

import { ApiError, call } from "./api";
import { must } from "./dom";
import { BrowserDraftStore } from "./draft-store";

/** Send the newest text that an open page left behind; tell whether the server has it now. */
async function deliver(attemptId: string): Promise<boolean> {
  const store = new BrowserDraftStore(attemptId);
  const [newest] = store.takeOver().sort((a, b) => b.sequence - a.sequence);
  if (!newest) return true;
  store.write(newest);
  const { text, sequence } = newest;
  try {
    await call("PUT", `/api/attempts/${attemptId}/draft`, { body: { text, sequence } });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const theirs = error.body["draft"] as { text?: string } | undefined;
    if (theirs?.text !== text) return false;
  }
  store.clear();
  return true;
}

async function check(row: HTMLElement): Promise<void> {
  if (await deliver(row.dataset["attempt"] ?? "")) return;
  must("[data-not-sent]", row).hidden = false;
  must("[data-not-sent-notice]").hidden = false;
}

await Promise.all([...document.querySelectorAll<HTMLElement>("tr[data-attempt]")].map(check));
