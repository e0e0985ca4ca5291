/** Follows grading jobs: pushed by server-sent events, asked for where nothing is pushed. */

import { ApiError, call } from "./api";
import { isNews, isOver } from "./progress";
import type { ClockView, JobView } from "./types";

const POLL_PUSHED_MS = 1_500;
const POLL_ALONE_MS = 200;
const POLL_MOST_MS = 3_000;

export class JobWatcher {
  private readonly known = new Map<string, JobView>();
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

  private see(job: JobView): void {
    if (!isNews(job, this.known.get(job.id))) return;
    this.known.set(job.id, job);
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

  /** The latest that is known of a job. */
  latest(id: string): JobView | undefined {
    return this.known.get(id);
  }

  private isOver(id: string): boolean {
    const job = this.latest(id);
    return job !== undefined && isOver(job);
  }
}
