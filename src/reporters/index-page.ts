/** `reports/index.html`: all runs on one page, newest first, with trends of each scenario. */

import type { IndexedKind, IndexedRun } from '../model/run-index.ts';
import { formatCount, formatDuration, formatShare } from '../model/units.ts';
import { clip } from './escape.ts';
import { badge, type Content, type Html, html, MAX_TEXT, paragraph, section, trusted } from './html/markup.ts';
import { htmlPage, PAGE_MARK } from './html/page.ts';
import { trendSvg } from './index-page/trend-svg.ts';
import { trendsOf } from './index-page/trends.ts';
import { FILTER_SCRIPT, RUNS_CSS } from './page/assets.ts';

/** Identifies an index page that pgquake wrote. */
export const INDEX_MARK = PAGE_MARK;

const NO_REPORT = 'no report';

/** @param runs newest first. @param version of pgquake. */
export function indexPage(runs: readonly IndexedRun[], version: string): string {
  return htmlPage({
    title: `pgquake: ${formatCount(runs.length, 'run')}`,
    version,
    css: RUNS_CSS,
    script: FILTER_SCRIPT,
    body: html`<header><h1>Runs of pgquake</h1></header>
<main>
${section('runs', 'All runs, newest first', runs.length === 0 ? paragraph('There are no runs yet.') : runTable(runs))}
${section('trends', 'From run to run', trends(runs))}
</main>`,
  });
}

function runTable(runs: readonly IndexedRun[]): Content {
  const scenarios = [...new Set(runs.flatMap(({ report }) => report?.scenario ?? []))].sort();
  const verdicts = ['pass', 'fail', 'unknown', NO_REPORT].filter((verdict) =>
    runs.some((run) => verdictOf(run) === verdict),
  );
  const head = ['started', 'verdict', 'scenario', 'available', 'recovery', 'p99', 'finding', 'cluster'];
  return [
    html`<form class="filter" id="filter" hidden>
<label>Scenario ${choice('by-scenario', scenarios)}</label>
<label>Verdict ${choice('by-verdict', verdicts)}</label>
<output id="shown" for="by-scenario by-verdict">${formatCount(runs.length, 'run')}</output>
</form>
`,
    html`<div class="scroll" role="group" tabindex="0" aria-label="Runs"><table id="run-table">
<caption>Availability, recovery time and p99 are those of the fault phase, for each kind of operation</caption>
<thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>
${runs.map(row)}</tbody></table></div>
`,
  ];
}

function choice(id: string, values: readonly string[]): Html {
  const options = values.map((value) => html`<option value="${value}">${value}</option>`);
  return html`<select id="${id}"><option value="">all</option>${options}</select>`;
}

function verdictOf({ report }: IndexedRun): string {
  return report?.judgement ?? NO_REPORT;
}

function row(run: IndexedRun): Html {
  const { id, report, problem = '' } = run;
  const folder = encodeURIComponent(id);
  const open = html`<tr data-scenario="${report?.scenario ?? ''}" data-verdict="${verdictOf(run)}">`;
  if (!report) {
    return html`${open}<th scope="row">${id}</th><td><span class="badge unknown">? NO REPORT</span></td><td></td><td></td><td></td><td></td><td>${text(problem)}</td><td></td></tr>\n`;
  }
  const { scenario, startedAt, judgement, finding, cluster, kinds } = report;
  const ofKinds = (words: (kind: IndexedKind) => string) =>
    kinds.map((kind) => html`<div class="figure">${kind.kind} ${words(kind)}</div>`);
  const link = html`<a href="${folder}/report.html" title="${id}">${scenario}</a>`;
  return html`${open}<th scope="row">${startedAt.slice(0, 19).replace('T', ' ')}</th><td>${badge(judgement)}</td><td>${link}</td><td>${ofKinds(({ share }) => formatShare(share))}</td><td>${ofKinds(recoveryWords)}</td><td>${ofKinds(({ p99Ms }) => (p99Ms === null ? 'n/a' : formatDuration(p99Ms)))}</td><td>${text(finding)}</td><td>${cluster}</td></tr>\n`;
}

function text(words: string): Html {
  return html`<div class="text">${clip(words, MAX_TEXT)}</div>`;
}

function recoveryWords({ recoveryMs }: IndexedKind): string {
  if (recoveryMs === undefined) return 'n/a';
  return recoveryMs === null ? 'never' : formatDuration(recoveryMs);
}

function trends(runs: readonly IndexedRun[]): Content {
  const all = trendsOf(runs);
  if (all.length === 0) return paragraph('A trend needs two runs of one scenario.');
  return all.map(({ scenario, runs: count, charts }, i) => {
    const drawn = charts.map((chart, c) =>
      trusted(trendSvg(chart, { id: `trend-${i}-${c}`, title: `${chart.title}, ${scenario}` })),
    );
    return html`<article class="trend" data-scenario="${scenario}"><h3>${scenario}</h3>
<p class="dim">${formatCount(count, 'run')}, newest on the right. A hollow point did not pass; a triangle at the top was not reached within the run.</p><div class="charts">${drawn}</div></article>\n`;
  });
}
