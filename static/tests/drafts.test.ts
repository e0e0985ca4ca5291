/** No keystroke is lost: when drafts are stored, sent, retried and reconciled. */

import * as assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../src/api";
import { reconcile } from "../src/drafts";
import { Bench, FakeServer, settle } from "./fakes";

const server = { text: "on the server", sequence: 5, saved_at: null };

test("a change is in the browser at once and on the server two quiet seconds later", async () => {
  const bench = new Bench();
  bench.keeper.changed("a");
  assert.equal(bench.store.draft?.text, "a");
  await bench.timers.advance(1_999);
  assert.equal(bench.server.draft.text, "");
  await bench.timers.advance(1);
  assert.equal(bench.server.draft.text, "a");
  assert.equal(bench.store.draft, null);
  assert.equal(bench.states.at(-1), "saved");
});

test("whoever never stops typing is saved every ten seconds all the same", async () => {
  const bench = new Bench();
  for (let second = 0; second < 21; second += 1) {
    bench.keeper.changed(`text ${second}`);
    await bench.timers.advance(1_000);
  }
  assert.equal(bench.server.received.length, 2);
});

test("leaving sends at once, and only once", async () => {
  const bench = new Bench();
  bench.keeper.changed("last words");
  void bench.keeper.flush(true);
  void bench.keeper.flush(true);
  await settle();
  assert.equal(bench.server.draft.text, "last words");
  assert.deepEqual(bench.server.received, [1]);
});

test("without a connection it says so, keeps the text and tries again with longer pauses", async () => {
  const bench = new Bench();
  bench.server.refuse = new ApiError(0, "offline", "");
  bench.keeper.changed("typed in a tunnel");
  await bench.timers.advance(2_000 + 1_000 + 2_000);
  assert.equal(bench.states.at(-1), "offline");
  assert.equal(bench.server.received.length, 3);
  assert.equal(bench.store.draft?.text, "typed in a tunnel");
  bench.server.refuse = null;
  await bench.timers.advance(4_000);
  assert.equal(bench.server.draft.text, "typed in a tunnel");
  assert.equal(bench.states.at(-1), "saved");
});

test("a busy server names the pause", async () => {
  const bench = new Bench();
  bench.server.refuse = new ApiError(503, "busy", "", 7_000);
  bench.keeper.changed("x");
  await bench.timers.advance(2_000 + 6_999);
  assert.equal(bench.server.received.length, 1);
  await bench.timers.advance(1);
  assert.equal(bench.server.received.length, 2);
});

test("after the end nothing more is sent", async () => {
  const bench = new Bench();
  bench.server.refuse = new ApiError(409, "interview_over", "");
  bench.keeper.changed("too late");
  await bench.timers.advance(60_000);
  assert.equal(bench.over, true);
  assert.equal(bench.server.received.length, 1);
});

for (const choice of ["mine", "theirs"] as const) {
  test(`another device's newer version is asked about; choosing ${choice} loses neither`, async () => {
    const shared = new FakeServer();
    const bench = new Bench(shared);
    shared.draft = { text: "from the phone", sequence: 40, saved_at: null };
    bench.keeper.changed("from the desk");
    await bench.timers.advance(2_000);
    assert.equal(bench.store.draft?.text, "from the desk");
    bench.choose?.(choice);
    await bench.timers.advance(2_000);
    const [wins, waits] = choice === "mine" ? ["from the desk", "from the phone"] : ["from the phone", "from the desk"];
    assert.equal(shared.draft.text, wins);
    assert.deepEqual(bench.kept.map(({ text }) => text), [waits]);
    assert.equal(bench.replaced, choice === "theirs" ? "from the phone" : null);
  });
}

test("our own later save overtaking an earlier one is no conflict", async () => {
  const bench = new Bench();
  const release = bench.server.holdNext();
  bench.keeper.changed("one");
  await bench.timers.advance(2_000);
  bench.keeper.changed("one two");
  void bench.keeper.flush(true);
  await settle();
  bench.keeper.changed("one two three");
  release();
  await settle();
  assert.equal(bench.choose, null);
  await bench.timers.advance(10_000);
  assert.equal(bench.server.draft.text, "one two three");
  assert.equal(bench.keeper.isDirty, false);
});

test("what this browser holds and the server lacks is opened, and sent", async () => {
  const shared = new FakeServer();
  shared.draft = server;
  const bench = new Bench(shared, [{ text: "one more line", sequence: 6, base: 5 }]);
  await bench.timers.advance(0);
  assert.equal(shared.draft.text, "one more line");
});

test("a newer draft that grew out of the server's leaves nothing to keep", () => {
  const opening = reconcile(server, [{ text: "one more line", sequence: 9, base: 5 }]);
  assert.equal(opening.text, "one more line");
  assert.deepEqual(opening.kept, []);
});

test("a newer draft that did not grow out of the server's keeps the server's", () => {
  const opening = reconcile(server, [{ text: "elsewhere", sequence: 9, base: 2 }]);
  assert.equal(opening.text, "elsewhere");
  assert.deepEqual(opening.kept, [{ text: "on the server", origin: "server" }]);
});

test("an older draft with a text of its own is kept, an equal one forgotten", () => {
  const opening = reconcile(server, [
    { text: "older", sequence: 3, base: 1 },
    { text: "on the server", sequence: 5, base: 4 },
  ]);
  assert.equal(opening.text, "on the server");
  assert.equal(opening.sequence, 5);
  assert.deepEqual(opening.kept, [{ text: "older", origin: "browser" }]);
});
