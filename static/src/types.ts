/** What the JSON API speaks: the dataclasses of app/web/views.py, with times as ISO text. */

export type JobState = "queued" | "running" | "done" | "failed";

export interface CaseView {
  name: string;
  verdict: string;
  cpu_ms: number;
  wall_ms: number;
  memory_kb: number;
  stdout: string | null;
  arguments: string | null;
  expected: string | null;
  got: string | null;
  reason: string | null;
  hints: string[];
  rerun: boolean;
  ran: boolean;
}

export interface GroupView {
  name: string;
  title: string;
  passed: number;
  total: number;
  verdict: string;
  /** Rounded up to 10, 20, 50, …; null where nothing was run. */
  cpu_ms: number | null;
}

export interface JobView {
  id: string;
  purpose: "run" | "submission";
  submission_number: number | null;
  state: JobState;
  queued_at: string;
  verdict: string | null;
  verdict_name: string | null;
  verdict_meaning: string | null;
  score: number | null;
  problem: string | null;
  mistake: string | null;
  cases: CaseView[];
  groups: GroupView[];
  run_ms: number | null;
  /** How many jobs wait before this one, while its turn is all that it waits for. */
  ahead: number | null;
  /** How often it found no engine or no sandbox. */
  waits: number;
  findings: string[];
}

export interface SubmissionReceipt {
  submission_number: number;
  submissions_left: number;
  job: JobView | null;
}

export interface DraftReceipt {
  sequence: number;
  saved_at: string;
  remaining_ms: number | null;
}

export interface ClockView {
  remaining_ms: number | null;
  state: "scheduled" | "running" | "finished" | "reviewed";
}

/** A draft that the server holds. */
export interface ServerDraft {
  text: string;
  sequence: number;
  saved_at: string | null;
}
