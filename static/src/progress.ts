/** Which of two views of a grading job is the later one. */

import type { JobState, JobView } from "./types";

const RANK: Record<JobState, number> = { queued: 0, running: 1, done: 2, failed: 2 };

export function isOver(job: JobView): boolean {
  return RANK[job.state] === RANK.done;
}

/** A late answer must not take back what is known; who waits may move up meanwhile. */
export function isNews(job: JobView, known: JobView | undefined): boolean {
  if (known === undefined) return true;
  const progress = compare(stepsOf(job), stepsOf(known));
  if (progress !== 0) return progress > 0;
  return !isOver(job) && (job.ahead !== known.ahead || job.problem !== known.problem);
}

/** A job that found no engine goes back from running to queued, and has waited once more. */
function stepsOf(job: JobView): readonly number[] {
  return [Number(isOver(job)), job.waits, RANK[job.state]];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, value] of a.entries()) {
    const difference = value - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
