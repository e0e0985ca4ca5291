/** The clock counts what the server gave, speaks at the right moments, and ends only once. */

import * as assert from "node:assert/strict";
import { test } from "node:test";

import { Countdown, timeText } from "../src/countdown";
import { FakeTimers } from "./fakes";

function start(remainingMs: number): { timers: FakeTimers; countdown: Countdown; shown: string[]; notices: number[]; ends: number[] } {
  const timers = new FakeTimers();
  const [shown, notices, ends]: [string[], number[], number[]] = [[], [], []];
  const countdown = new Countdown({
    ...timers,
    onTick: (ms) => shown.push(timeText(ms)),
    onNotice: (seconds) => notices.push(seconds),
    onZero: () => ends.push(timers.now()),
  });
  countdown.set(remainingMs);
  return { timers, countdown, shown, notices, ends };
}

test("it shows each second, and 00:00 only when nothing is left", async () => {
  const { timers, shown, ends } = start(2_500);
  await timers.advance(2_499);
  assert.deepEqual(shown, ["00:03", "00:02", "00:01"]);
  await timers.advance(1);
  assert.equal(shown.at(-1), "00:00");
  assert.deepEqual(ends, [2_500]);
});

test("notices come as a limit is passed, never for limits that had passed before", async () => {
  const { timers, notices } = start(301_000);
  await timers.advance(272_000);
  assert.deepEqual(notices, [300, 60, 30]);
  assert.deepEqual(start(20_000).notices, []);
});

test("a new word from the server replaces the old count", async () => {
  const { timers, countdown, shown, ends } = start(2_000);
  await timers.advance(1_000);
  countdown.set(60_000);
  await timers.advance(2_000);
  assert.equal(shown.at(-1), "00:58");
  assert.deepEqual(ends, []);
});

test("hours appear when there are any", () => {
  assert.equal(timeText(3_605_000), "1:00:05");
  assert.equal(timeText(65_000), "01:05");
});
