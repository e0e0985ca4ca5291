/** Views of a job may arrive in any order: the page goes forward only. */

import * as assert from "node:assert/strict";
import { test } from "node:test";

import { isNews } from "../src/progress";
import type { JobView } from "../src/types";

function job(changes: Partial<JobView>): JobView {
  return {
    id: "1", purpose: "run", submission_number: null, state: "queued", queued_at: "", verdict: null, verdict_name: null,
    verdict_meaning: null, score: null, problem: null, mistake: null, cases: [], groups: [], run_ms: null, ahead: null,
    waits: 0, findings: [], ...changes,
  };
}

test("the first view of a job is news", () => {
  assert.equal(isNews(job({}), undefined), true);
});

test("a state that was passed is no news, nor is the same verdict once more", () => {
  assert.equal(isNews(job({ state: "running" }), job({ state: "queued" })), true);
  assert.equal(isNews(job({ state: "queued" }), job({ state: "running" })), false);
  assert.equal(isNews(job({ state: "queued", ahead: 1 }), job({ state: "done" })), false);
  assert.equal(isNews(job({ state: "done" }), job({ state: "done" })), false);
});

test("moving up in the queue is news", () => {
  assert.equal(isNews(job({ ahead: 2 }), job({ ahead: 3 })), true);
  assert.equal(isNews(job({ ahead: 2 }), job({ ahead: 2 })), false);
});

test("a job that found no engine is queued again", () => {
  const running = job({ state: "running" });
  const away = job({ state: "queued", waits: 1, problem: "away" });
  assert.equal(isNews(away, running), true);
  assert.equal(isNews(running, away), false);
  assert.equal(isNews(job({ state: "running", waits: 1, problem: "away" }), away), true);
  assert.equal(isNews(job({ state: "done", waits: 1 }), away), true);
  assert.equal(isNews(job({ state: "failed" }), away), true);
});
