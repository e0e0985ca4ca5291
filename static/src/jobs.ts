/** Follows grading jobs: pushed by server-sent events, asked for where nothing is pushed. */

import { ApiError, call } from "./api";
import type { ClockView, JobState, JobView } from "./types";

const RANK: Record<JobState, number> = { queued: 0, running: 1, done: 2, failed: 2 };
const POLL_PUSHED_MS = 1_500;
const POLL_ALONE_MS = 200;
const POLL_MOST_MS = 3_000;

export class JobWatcher {
  private readonly states = new Map<string, JobState>();
  private source: EventSource | null = null;

  constructor(
    attemptId: string,
    private readonly onJob: (job: JobView) => void,
    onClock: (clock: Pick<ClockView, "remaining_ms">) => void,
  ) {
    const source = new EventSource(`/api/attempts/${attemptId}/events`);
    source.addEventListener("job", (event: MessageEvent<string>) => this.see(JSON.parse(event.data) as JobView));
    source.addEventListener("clock", (event: MessageEvent<string>) =>
      onClock(JSON.parse(event.data) as Pick<ClockView, "remaining_ms">),
    );
    this.source = source;
  }

  /** Show `job` and go on until it is done or failed. */
  watch(job: JobView): void {
    this.see(job);
    this.pollLater(job.id, this.isPushed ? POLL_PUSHED_MS : POLL_ALONE_MS);
  }

  close(): void {
    this.source?.close();
  }

  private get isPushed(): boolean {
    return this.source?.readyState === EventSource.OPEN;
  }

  /** A late answer must not take back what is known: states only move forward. */
  private see(job: JobView): void {
    const known = this.states.get(job.id);
    if (known !== undefined && RANK[job.state] <= RANK[known]) return;
    this.states.set(job.id, job.state);
    this.onJob(job);
  }

  private pollLater(id: string, ms: number): void {
    setTimeout(() => void this.poll(id, ms), ms);
  }

  private async poll(id: string, ms: number): Promise<void> {
    if (this.isOver(id)) return;
    try {
      this.see(await call<JobView>("GET", `/api/jobs/${id}`));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    if (!this.isOver(id)) this.pollLater(id, Math.min(ms * 1.5, POLL_MOST_MS));
  }

  isOver(id: string): boolean {
    return RANK[this.states.get(id) ?? "queued"] === RANK.done;
  }
}
