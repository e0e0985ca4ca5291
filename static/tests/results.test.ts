/** Times as people read them. */

import * as assert from "node:assert/strict";
import { test } from "node:test";

import { duration } from "../src/results";

test("a time is told in milliseconds, above a second in tenths of it", () => {
  assert.equal(duration(150), "150 ms");
  assert.equal(duration(990), "990 ms");
  assert.equal(duration(65_980), "66.0 s");
});
