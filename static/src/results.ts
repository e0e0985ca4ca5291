/** Draws a grading job: verdict first, then what went wrong, then every case. */

import { clockText, h } from "./dom";
import type { Messages } from "./messages";
import type { CaseView, GroupView, JobView } from "./types";

export function renderJob(job: JobView, t: Messages): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(job.verdict ? verdictHead(job, t) : waitingHead(job, t));
  if (job.mistake) fragment.append(notice("mistake", t("mistake"), job.mistake));
  if (job.findings.length) fragment.append(findingList(job.findings, t));
  if (job.problem) fragment.append(notice(job.state === "failed" ? "bad" : "info", null, problemText(job, t)));
  if (job.groups.length) fragment.append(groupTable(job.groups, t));
  if (job.cases.length) fragment.append(caseList(job.cases, t));
  return fragment;
}

/** One sentence for people who hear the page instead of seeing it. */
export function spokenResult(job: JobView, t: Messages): string {
  const what = job.verdict_name ?? job.problem ?? placeInLine(job, t) ?? t(`job ${job.state}`);
  return `${jobTitle(job, t)}: ${what}`;
}

export function verdictBadge(verdict: string, name: string | null = null): HTMLElement {
  const badge = h("span", `verdict verdict-${verdict}`, h("b", "", verdict));
  if (name) badge.append(h("span", "verdict-name", name));
  return badge;
}

export function jobTitle(job: JobView, t: Messages): string {
  return job.purpose === "run" ? t("sample run") : t("submission", { n: job.submission_number ?? "" });
}

function verdictHead(job: JobView, t: Messages): HTMLElement {
  const head = h("div", "result-head", verdictBadge(job.verdict ?? "", job.verdict_name), h("span", "result-title", jobTitle(job, t)));
  if (job.run_ms !== null) head.append(h("span", "result-time", t("ran for", { time: duration(job.run_ms) })));
  if (job.verdict_meaning) head.append(h("p", "result-meaning", job.verdict_meaning));
  return head;
}

/** The server rounds to steps of 10 ms; above a second, tenths of it are enough. */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function waitingHead(job: JobView, t: Messages): HTMLElement {
  const state = h("span", `pill pill-${job.state}`, t(`job ${job.state}`));
  const place = placeInLine(job, t);
  return h("div", "result-head", state, h("span", "result-title", jobTitle(job, t)), place ? h("span", "result-place", place) : null);
}

/** How many wait before it; null where it does not wait its turn. */
function placeInLine(job: JobView, t: Messages): string | null {
  if (job.state !== "queued" || job.ahead === null) return null;
  return job.ahead === 0 ? t("next in line") : t("ahead", { n: job.ahead });
}

function problemText(job: JobView, t: Messages): string {
  if (job.state === "failed" || job.waits === 0) return job.problem ?? "";
  const tried = t(job.waits === 1 ? "tried once" : "tried", { n: job.waits, time: clockText(new Date(job.queued_at)) });
  return `${job.problem} ${tried}`;
}

function findingList(findings: readonly string[], t: Messages): HTMLElement {
  const list = h("ul", "findings");
  for (const finding of findings) list.append(h("li", "", finding));
  return h("div", "notice notice-warn", h("strong", "notice-title", t("findings")), list);
}

function notice(kind: string, title: string | null, text: string): HTMLElement {
  return h("div", `notice notice-${kind}`, title ? h("strong", "notice-title", title) : null, h("p", "", text));
}

function groupTable(groups: readonly GroupView[], t: Messages): HTMLElement {
  const body = h("tbody", "");
  for (const group of groups) {
    const passed = h("td", "num", `${group.passed} / ${group.total}`);
    const name = h("th", "", group.title);
    name.scope = "row";
    const cost = h("td", "num muted", group.cpu_ms === null ? t("not run") : t("group cost", { cpu: group.cpu_ms }));
    body.append(h("tr", "", name, h("td", "meter-cell", meter(group)), passed, cost, h("td", "", verdictBadge(group.verdict))));
  }
  return h("section", "result-part", h("h3", "", t("hidden cases")), h("table", "table table-tight table-groups", body));
}

function meter({ title, passed, total }: GroupView): HTMLMeterElement {
  const element = h("meter", passed === total ? "meter-full" : "");
  element.max = total;
  element.value = passed;
  element.setAttribute("aria-label", title);
  return element;
}

function caseList(cases: readonly CaseView[], t: Messages): HTMLElement {
  const failing = cases.find(({ verdict }) => verdict !== "AC");
  const section = h("section", "result-part", h("h3", "", t("sample cases")));
  for (const item of cases) section.append(caseDetails(item, item === failing, t));
  return section;
}

function caseCost(item: CaseView, t: Messages): string {
  if (!item.ran) return t("not run");
  const memory = (item.memory_kb / 1024).toFixed(0);
  return t("cost", { cpu: item.cpu_ms.toFixed(1), wall: item.wall_ms.toFixed(1), memory });
}

function caseDetails(item: CaseView, open: boolean, t: Messages): HTMLElement {
  const rerun = item.rerun ? h("span", "badge", t("run twice")) : null;
  const printed = item.stdout ? h("span", "badge", t("has printed")) : null;
  const cost = h("span", "case-cost", caseCost(item, t));
  const summary = h("summary", "", verdictBadge(item.verdict), h("span", "case-name", item.name), rerun, printed, cost);
  const details = h("details", "case", summary);
  details.open = open;
  const facts = h("dl", "case-facts");
  if (item.reason) facts.append(h("dt", "", t("reason")), h("dd", "case-reason", item.reason));
  if (item.hints.length) {
    facts.append(h("dt", "", t("hint")), h("dd", "case-hints", ...item.hints.map((hint) => h("p", "", hint))));
  }
  for (const [key, value] of [
    ["arguments", item.arguments],
    ["expected", item.expected],
    ["got", item.got],
    ["stdout", item.stdout],
  ] as const) {
    if (value) facts.append(h("dt", "", t(key)), h("dd", "", h("pre", "", value)));
  }
  details.append(facts);
  return details;
}
