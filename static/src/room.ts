/** The room: one attempt on screen, with its editor, clock, saving, runs and submissions. */

import { RoomClock } from "./answer-clock";
import { ApiError, call } from "./api";
import { clockText, h, must } from "./dom";
import { BrowserDraftStore } from "./draft-store";
import { DraftKeeper, reconcile, type KeptVersion, type SaveState } from "./drafts";
import { codeEditor, proseEditor, type AnswerEditor } from "./editor";
import { JobWatcher } from "./jobs";
import { renderMath } from "./math";
import { messagesFrom } from "./messages";
import { isOver } from "./progress";
import { jobTitle, renderJob, spokenResult, verdictBadge } from "./results";
import { listenForKeys } from "./shortcuts";
import { makeSplitter } from "./splitter";
import type { DraftReceipt, JobView, ServerDraft, SubmissionReceipt } from "./types";

interface RoomData {
  attempt_id: string;
  interview_id: string;
  kind: "coding" | "conceptual" | "open";
  remaining_ms: number | null;
  draft: ServerDraft;
  submissions_left: number;
  latest_job_id: string | null;
  report_url: string;
  preview_url: string;
  next_url: string | null;
  finish_url: string;
}

const TO_REPORT_MS = 4_000;
const PREVIEW_QUIET_MS = 400;
/** After this the buttons come back even without a verdict; it is shown whenever it comes. */
const LONGEST_BUSY_MS = 30_000;

class Room {
  private readonly root = must("#room");
  private readonly data = JSON.parse(this.root.dataset["room"] ?? "{}") as RoomData;
  private readonly t = messagesFrom(this.root);
  private readonly store = new BrowserDraftStore(this.data.attempt_id);
  private readonly editor: AnswerEditor;
  private readonly keeper: DraftKeeper;
  private readonly clock: RoomClock | null;
  private readonly watcher: JobWatcher | null;
  private readonly submitButton = must<HTMLButtonElement>("[data-submit]");
  private readonly runButton = document.querySelector<HTMLButtonElement>("[data-run]");
  private submissionsLeft = this.data.submissions_left;
  /** A request or job that has to end before the next one may start. */
  private busyWith: string | null = null;
  private closed = false;
  private lastPlace = "";
  private previewTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const opening = reconcile(this.data.draft, this.store.takeOver());
    this.editor = this.openEditor(opening.text);
    this.keeper = new DraftKeeper(opening, {
      send: (draft, leaving) => this.sendDraft(draft, leaving),
      store: this.store,
      timers: {
        now: () => performance.now(),
        after: (ms, action) => setTimeout(action, ms) as unknown as number,
        cancel: (handle) => clearTimeout(handle),
      },
      onState: (state) => this.showSaveState(state),
      onConflict: (theirs, settle) => this.askWhichVersion(theirs, settle),
      onReceipt: (receipt) => this.clock?.set(receipt.remaining_ms),
      onOver: () => this.clock?.end(),
      onReplace: (text) => this.editor.replace(text),
      onKept: (version) => this.keep(version),
    });
    this.clock = this.startClock();
    this.watcher = this.startWatcher();
    for (const version of opening.kept) this.store.keep(version);
    this.showKept();
    if (opening.kept.length) this.tell("info", this.t("kept found"));
    this.countText(opening.text);
    this.listen();
    this.allow();
  }

  // --- setting up

  private openEditor(text: string): AnswerEditor {
    const parent = must("[data-editor]");
    const field = must<HTMLTextAreaElement>("[data-editor-field]");
    field.hidden = true;
    const options = {
      parent,
      text,
      label: this.t("editor label"),
      messages: this.t,
      onChange: (now: string) => this.changed(now),
      onBlur: () => void this.keeper.flush(),
      onTabMode: (moves: boolean) => this.announce(this.t(moves ? "tab moves" : "tab indents")),
    };
    return this.data.kind === "coding" ? codeEditor(options) : proseEditor(options, this.t("placeholder"));
  }

  private startClock(): RoomClock | null {
    if (this.data.remaining_ms === null) return null;
    return new RoomClock({
      interviewId: this.data.interview_id,
      remainingMs: this.data.remaining_ms,
      messages: this.t,
      announce: (text) => this.announce(text),
      onNearEnd: () => void this.keeper.flush(),
      onOver: () => this.timeIsUp(),
    });
  }

  private startWatcher(): JobWatcher | null {
    if (this.data.kind !== "coding") return null;
    const watcher = new JobWatcher(
      this.data.attempt_id,
      (job) => this.showJob(job),
      ({ remaining_ms }) => this.clock?.set(remaining_ms),
    );
    if (this.data.latest_job_id) void this.showLatest(this.data.latest_job_id, watcher);
    return watcher;
  }

  private async showLatest(id: string, watcher: JobWatcher): Promise<void> {
    try {
      watcher.watch(await call<JobView>("GET", `/api/jobs/${id}`));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the history below still lists it
    }
  }

  private listen(): void {
    const help = must<HTMLDialogElement>("#keys");
    for (const bar of document.querySelectorAll<HTMLElement>("[data-property]")) makeSplitter(bar);
    this.runButton?.addEventListener("click", () => void this.run());
    this.submitButton.addEventListener("click", (event) => {
      event.preventDefault();
      void this.submit();
    });
    const preview = document.querySelector<HTMLButtonElement>("[data-preview-toggle]");
    preview?.addEventListener("click", () => this.togglePreview(preview));
    listenForKeys({
      run: () => (preview ? preview.click() : void this.run()),
      submit: () => void this.submit(),
      help: () => help.showModal(),
    });
    document.querySelector("[data-reset]")?.addEventListener("click", () => this.resetToStarter());
    addEventListener("online", () => void this.keeper.flush());
    addEventListener("pagehide", () => void this.keeper.flush(true));
    document.addEventListener("visibilitychange", () => document.hidden && void this.keeper.flush(true));
    addEventListener("beforeunload", (event) => {
      if (this.root.dataset["save"] === "offline" && !this.closed) event.preventDefault();
    });
  }

  // --- drafts

  private changed(text: string): void {
    this.keeper.changed(text);
    this.countText(text);
    if (this.tab?.dataset["state"] === "empty" && text.trim()) this.markTab("draft");
    if (this.previewIsOpen) this.previewSoon();
  }

  private sendDraft(draft: { text: string; sequence: number }, leaving: boolean): Promise<DraftReceipt> {
    return call<DraftReceipt>("PUT", `/api/attempts/${this.data.attempt_id}/draft`, { body: draft, keepalive: leaving });
  }

  private showSaveState(state: SaveState): void {
    const text =
      state.name === "saved" ? (state.at ? this.t("saved at", { time: clockText(state.at) }) : this.t("saved")) : this.t(state.name);
    this.root.dataset["save"] = state.name;
    for (const place of document.querySelectorAll("[data-save-state]")) place.textContent = text;
    if (state.name !== "saving" && state.name !== "unsaved") this.announceSaving(state.name, text);
  }

  /** Saving is the normal case: only a change between fine and not fine is spoken. */
  private announceSaving(name: string, text: string): void {
    const spoken = must("[data-save-spoken]");
    if (spoken.dataset["last"] === name) return;
    if (spoken.dataset["last"] !== undefined || name !== "saved") spoken.textContent = text;
    spoken.dataset["last"] = name;
  }

  private askWhichVersion(theirs: ServerDraft, settle: (choice: "mine" | "theirs") => void): void {
    const dialog = must<HTMLDialogElement>("#versions-differ");
    must("[data-mine]", dialog).textContent = this.editor.text();
    must("[data-theirs]", dialog).textContent = theirs.text;
    must("[data-theirs-time]", dialog).textContent = theirs.saved_at ? clockText(new Date(theirs.saved_at)) : "";
    dialog.addEventListener("close", () => settle(dialog.returnValue === "theirs" ? "theirs" : "mine"), { once: true });
    dialog.returnValue = "mine";
    dialog.showModal();
  }

  private keep(version: KeptVersion): void {
    this.store.keep(version);
    this.showKept();
    this.tell("info", this.t("kept now"));
  }

  private showKept(): void {
    const versions = this.store.kept();
    const button = must<HTMLButtonElement>("[data-kept-button]");
    const list = must("[data-kept-list]");
    button.hidden = versions.length === 0;
    button.textContent = this.t("kept versions", { n: versions.length });
    list.replaceChildren(...versions.map((version) => this.keptEntry(version)));
  }

  private keptEntry(version: KeptVersion): HTMLElement {
    const use = h("button", "button button-small", this.t("use version"));
    use.type = "button";
    use.addEventListener("click", () => {
      const current = this.editor.text();
      must<HTMLDialogElement>("#kept").close();
      this.editor.replace(version.text);
      if (current.trim()) this.keep({ text: current, origin: "browser" });
    });
    return h("li", "kept", h("div", "row", h("span", "muted", this.t(`from ${version.origin}`)), use), h("pre", "", version.text));
  }

  private resetToStarter(): void {
    const dialog = must<HTMLDialogElement>("#reset");
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue !== "reset") return;
        this.keep({ text: this.editor.text(), origin: "browser" });
        this.editor.replace(must("[data-starter]").textContent ?? "");
        this.editor.focus();
      },
      { once: true },
    );
    dialog.returnValue = "";
    dialog.showModal();
  }

  private countText(text: string): void {
    const place = document.querySelector("[data-count]");
    if (place) place.textContent = this.t("count", { n: countWords(text) });
  }

  // --- running and submitting

  private async run(): Promise<void> {
    if (this.busyWith !== null) return;
    performance.mark("submit-click");
    await this.request("run", async () => {
      const job = await call<JobView>("POST", `/api/attempts/${this.data.attempt_id}/runs`, { body: { text: this.editor.text() } });
      this.follow(job);
    });
  }

  private async submit(): Promise<void> {
    if (!this.maySubmit || this.busyWith !== null) return;
    performance.mark("submit-click");
    await this.request("submit", async () => {
      const text = this.editor.text();
      const receipt = await call<SubmissionReceipt>("POST", `/api/attempts/${this.data.attempt_id}/submissions`, { body: { text } });
      this.submissionsLeft = receipt.submissions_left;
      this.noteSubmission(receipt);
      if (receipt.job) this.follow(receipt.job);
      else this.textIsIn(receipt);
    });
  }

  /** One request at a time; whatever comes of it, the buttons come back. */
  private async request(name: string, action: () => Promise<void>): Promise<void> {
    this.busyWith = name;
    this.clearNotice();
    this.allow();
    void this.keeper.flush();
    try {
      await action();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.busyWith = null;
      this.explain(error);
    } finally {
      if (this.busyWith === name) this.busyWith = null;
      this.allow();
    }
  }

  private follow(job: JobView): void {
    this.watcher?.watch(job);
    const latest = this.watcher?.latest(job.id) ?? job; // its verdict may have overtaken this answer
    this.updateHistory(latest);
    if (isOver(latest) || latest.problem) return;
    this.busyWith = job.id;
    setTimeout(() => this.release(job.id), LONGEST_BUSY_MS);
  }

  private release(name: string): void {
    if (this.busyWith !== name) return;
    this.busyWith = null;
    this.allow();
  }

  private textIsIn({ submission_number, submissions_left }: SubmissionReceipt): void {
    this.tell("ok", this.t("text is in", { n: submission_number, left: submissions_left }), this.wayOn());
    performance.mark("verdict-shown");
  }

  /** What usually comes next, one Enter away for whoever pressed the button; typing is left alone. */
  private wayOn(): HTMLElement | null {
    if (!this.tab) return null;
    const { next_url, finish_url } = this.data;
    const link = h("a", "button button-primary button-small", this.t(next_url ? "next question" : "to finish"));
    link.href = next_url ?? finish_url;
    const typing = must("[data-editor]").contains(document.activeElement);
    if (!typing) requestAnimationFrame(() => link.focus());
    return link;
  }

  private explain(error: ApiError): void {
    if (error.code === "interview_over") {
      this.clock?.end();
      return;
    }
    if (error.retryAfter !== null) {
      this.waitForCapacity(error);
      return;
    }
    this.tell("bad", error.status === 0 ? this.t("no answer") : error.message);
  }

  /** Busy is not lost: say so, count down what the server asked for, and give the buttons back. */
  private waitForCapacity(error: ApiError): void {
    const until = performance.now() + (error.retryAfter ?? 0);
    this.busyWith = "capacity";
    const step = (): void => {
      const left = Math.ceil((until - performance.now()) / 1000);
      if (left > 0) {
        this.tell("warn", `${error.message} ${this.t("try again in", { n: left })}`);
        setTimeout(step, 1000);
        return;
      }
      this.busyWith = null;
      this.tell("info", this.t("try again now"));
      this.allow();
    };
    step();
  }

  private showJob(job: JobView): void {
    must("[data-results]").replaceChildren(renderJob(job, this.t));
    must("[data-results-empty]").hidden = true;
    this.updateHistory(job);
    if (!isOver(job)) {
      this.tellPlace(job);
      return;
    }
    if (this.busyWith === null) return; // what the page opened with, not what was asked for now
    this.announce(spokenResult(job, this.t));
    if (this.busyWith !== "capacity") this.busyWith = null;
    this.allow();
    requestAnimationFrame(() => performance.mark("verdict-shown"));
    if (matchMedia("(max-width: 60rem)").matches) must("[data-results]").scrollIntoView({ block: "nearest" });
  }

  /** Say a place in the queue once; what waits for an engine keeps nobody from going on. */
  private tellPlace(job: JobView): void {
    const spoken = spokenResult(job, this.t);
    if (job.state === "queued" && spoken !== this.lastPlace) this.announce(spoken);
    this.lastPlace = spoken;
    if (job.problem) this.release(job.id);
  }

  private noteSubmission({ submission_number, job }: SubmissionReceipt): void {
    const item = h(
      "li",
      "history-item",
      h("span", "", this.t("submission", { n: submission_number })),
      h("span", "muted", clockText(new Date())),
      h("span", "history-verdict", job ? this.t("job queued") : this.t("handed in")),
    );
    if (job) item.dataset["job"] = job.id;
    must("[data-history]").prepend(item);
    must("[data-history-box]").hidden = false;
    this.markTab("submitted");
  }

  /** The entry of this question in the list of questions; practice has no list. */
  private get tab(): HTMLElement | null {
    return document.querySelector("[data-current-tab]");
  }

  private markTab(state: "draft" | "submitted"): void {
    if (!this.tab) return;
    this.tab.dataset["state"] = state;
    must("[data-state-word]", this.tab).textContent = this.t(`state ${state}`);
  }

  private updateHistory(job: JobView): void {
    const place = document.querySelector(`[data-job="${job.id}"] .history-verdict`);
    if (!place) return;
    place.replaceChildren(job.verdict ? verdictBadge(job.verdict) : this.t(`job ${job.state}`));
    place.setAttribute("title", jobTitle(job, this.t));
  }

  private get maySubmit(): boolean {
    return !this.closed && this.submissionsLeft > 0;
  }

  /** The buttons say what is possible right now; they turn only while something is under way. */
  private allow(): void {
    const busy = this.busyWith !== null;
    const turning = String(busy && this.busyWith !== "capacity");
    if (this.runButton) {
      this.runButton.disabled = busy || this.closed;
      this.runButton.setAttribute("aria-busy", turning);
    }
    this.submitButton.disabled = busy || !this.maySubmit;
    this.submitButton.setAttribute("aria-busy", turning);
    must("[data-left]").textContent = this.t("submissions left", { n: this.submissionsLeft });
  }

  // --- preview of text answers

  private get previewIsOpen(): boolean {
    return document.querySelector<HTMLElement>("[data-preview]")?.hidden === false;
  }

  private togglePreview(button: HTMLButtonElement): void {
    const open = !this.previewIsOpen;
    must("[data-preview]").hidden = !open;
    button.setAttribute("aria-pressed", String(open));
    if (open) void this.preview();
  }

  private previewSoon(): void {
    clearTimeout(this.previewTimer);
    this.previewTimer = setTimeout(() => void this.preview(), PREVIEW_QUIET_MS);
  }

  private async preview(): Promise<void> {
    const place = must("[data-preview]");
    const text = this.editor.text();
    try {
      const { html } = await call<{ html: string }>("POST", this.data.preview_url, { body: { text } });
      if (text !== this.editor.text()) return; // a later one is on its way
      place.innerHTML = html; // made safe by the server
      renderMath(place);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      place.textContent = error.status === 0 ? this.t("no answer") : error.message;
    }
  }

  // --- telling

  private tell(kind: "ok" | "info" | "warn" | "bad", text: string, then: HTMLElement | null = null): void {
    const place = must("[data-notice]");
    place.className = `notice notice-${kind} work-notice`;
    place.replaceChildren(h("span", "", text), ...(then ? [then] : []));
    place.hidden = false;
  }

  private clearNotice(): void {
    must("[data-notice]").hidden = true;
  }

  private announce(text: string): void {
    must("[data-announce]").textContent = text;
  }

  private timeIsUp(): void {
    this.closed = true;
    this.keeper.stop();
    this.editor.lock();
    this.allow();
    this.watcher?.close();
    for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog[open]")) dialog.close();
    must<HTMLDialogElement>("#time-is-up").showModal();
    setTimeout(() => location.assign(this.data.report_url), TO_REPORT_MS);
  }
}

/** Chinese is counted by characters, everything else by words, as word processors do. */
function countWords(text: string): number {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  const words = text.replace(/\p{Script=Han}/gu, " ").match(/[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu)?.length ?? 0;
  return han + words;
}

new Room();
