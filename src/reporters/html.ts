/** `report.html`: the report as one page that needs nothing but itself: no network, no other file. */

import { createHash } from 'node:crypto';
import { type ServiceWindow, SPANS } from '../model/figures.ts';
import type { Report } from '../model/report.ts';
import { workerNames } from '../model/topology.ts';
import { formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import type { CheckResult, Judgement } from '../model/verdict.ts';
import { clip, jsonText } from './escape.ts';
import { EventNarrator } from './event-words.ts';
import { type Column, type Content, type Html, html, table, trusted } from './html/markup.ts';
import { PAGE_SCRIPT } from './html/script.ts';
import { PAGE_CSS } from './html/style.ts';
import {
  clusterSize,
  differs,
  faultsByNode,
  ledgerRows,
  lengthOf,
  loadWords,
  NO_PROOF,
  number,
  observedWords,
  predictedWords,
  recoveryWords,
  SPAN_NAMES,
  shardsHeading,
  wasPredicted,
  writesWords,
} from './report-words.ts';
import type { Reporter } from './reporter.ts';
import { type Moment, momentsOf } from './timeline/moments.ts';
import { TIMELINE_CSS } from './timeline/style.ts';
import { timelineSvg } from './timeline/svg.ts';
import { timelineOf } from './timeline/timeline.ts';

const MARKS: Readonly<Record<Judgement, string>> = { pass: '✔', fail: '✘', unknown: '?' };
/** Of one line that a server said. */
const MAX_TEXT = 1_000;
const MAX_ERRORS = 100;
const MAX_WINDOWS = 200;
/** More shards than this make the grid of placements too wide to read. */
const MAX_GRID_SHARDS = 24;
const WIDE = 960;
const NARROW = 340;

const right = (title: string): Column => ({ title, numeric: true });
const left = (title: string): Column => ({ title });

export const htmlReport: Reporter = {
  name: 'html',
  summary: 'report.html, for people: one page with the picture of the run, that needs no network',
  render: (report) => ({ 'report.html': page(report).markup }),
};

function page(report: Report): Html {
  const { run, judgement } = report;
  // Should a text ever slip through unescaped, the page still runs no script but this one and loads nothing.
  const hash = createHash('sha256').update(PAGE_SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="pgquake ${run.pgquakeVersion}">
<title>${judgement.toUpperCase()}: ${run.scenario}</title>
<link rel="icon" href="data:,">
<style>${trusted(PAGE_CSS)}
${trusted(TIMELINE_CSS)}</style>
</head>
<body>
${header(report)}
<main>
${section('timeline', 'Timeline', picture(report))}
${section('hypothesis', 'Hypothesis', hypothesis(report))}
${section('service', 'Service', service(report))}
${section('shards', 'Shards during the fault', shards(report))}
${section('data', 'Data', data(report))}
${section('errors', 'Errors', errors(report))}
${section('events', 'Events', events(report))}
${section('cluster', 'Cluster', cluster(report))}
${section('run', 'This run', thisRun(report))}
</main>
<script>${trusted(PAGE_SCRIPT)}</script>
</body>
</html>
`;
}

function section(id: string, heading: string, content: Content): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>\n${content}</section>`;
}

function paragraph(text: string): Html {
  return html`<p>${text}</p>\n`;
}

function badge(judgement: Judgement): Html {
  return html`<span class="badge ${judgement}">${MARKS[judgement]} ${judgement.toUpperCase()}</span>`;
}

function header({ run, judgement, finding }: Report): Html {
  return html`<header>
<h1><span id="verdict">${badge(judgement)}</span> ${run.scenario}</h1>
${run.claim === undefined ? '' : html`<blockquote>${run.claim}</blockquote>\n`}<p class="finding" id="finding">${finding}</p>
<p class="dim">${run.summary}</p>
</header>`;
}

function hypothesis({ results }: Report): Content {
  const own = results.filter((result) => !result.always);
  const always = results.filter((result) => result.always);
  return [
    own.length === 0 ? paragraph('No hypothesis was judged.') : resultTable('What the scenario expects', own),
    always.length === 0 ? '' : resultTable('Checked in every run', always),
    ...results.filter(({ judgement, evidence }) => judgement !== 'pass' && evidence.length > 0).map(evidenceOf),
  ];
}

function resultTable(caption: string, results: readonly CheckResult[]): Html {
  return table(
    caption,
    [left('check'), left('verdict'), left('expected'), left('observed')],
    results.map(({ check, judgement, expected, observed }) => [
      check,
      badge(judgement),
      html`<div class="text">${clip(expected, MAX_TEXT)}</div>`,
      html`<div class="text">${clip(observed, MAX_TEXT)}</div>`,
    ]),
  );
}

function evidenceOf({ check, judgement, place, evidence }: CheckResult): Html {
  const where = place === undefined ? '' : html` (${place})`;
  const lines = evidence.map((line) => html`<li>${clip(line, MAX_TEXT)}</li>\n`);
  return html`<details open><summary>${MARKS[judgement]} Evidence: ${check}${where}</summary>\n<ul>${lines}</ul></details>\n`;
}

function picture(report: Report): Content {
  const timeline = timelineOf(report);
  if (!timeline) return paragraph('No load was run.');
  const draw = (className: string, width: number) => {
    const svg = timelineSvg(timeline, {
      width,
      id: `picture-${className}`,
      title: `Timeline of ${report.run.scenario}`,
      description: 'Load, latency, nodes, shards and faults; the tables of this page have its figures.',
      standalone: false,
    });
    return html`<div class="${className}">${trusted(svg)}</div>`;
  };
  const moments = momentsOf(timeline);
  const step =
    timeline.secondsPerBucket === 1
      ? ''
      : paragraph(`Drawn in steps of ${timeline.secondsPerBucket} s; latency is that of the worst second in each.`);
  return html`<figure>${draw('wide', WIDE)}${draw('narrow', NARROW)}</figure>
${step}<div class="moment" id="moment-panel" hidden>
<label for="moment">At one moment: point at the picture, or move this slider</label>
<input type="range" id="moment" min="0" max="${moments.length - 1}" value="0" step="1">
<div aria-live="polite"><strong id="moment-title"></strong><ul id="moment-lines"></ul></div>
</div>
<script type="application/json" id="moments">${trusted(momentsJson(moments))}</script>\n`;
}

/** JSON in a script element: no `<` may stand in it. */
function momentsJson(moments: readonly Moment[]): string {
  const records = moments.map(({ fromMs, toMs, title, lines }) => {
    const texts = lines.map(jsonText).join(',');
    return `{"fromMs":${fromMs},"toMs":${toMs},"title":${jsonText(title)},"lines":[${texts}]}`;
  });
  return `[${records.join(',\n')}]`.replaceAll('<', '\\u003c');
}

function events({ timeline, topology, run }: Report): Content {
  const narrator = new EventNarrator({ topology, plannedActs: run.plannedActs });
  const rows = timeline
    .toSorted((a, b) => a.at - b.at)
    .flatMap((event) => {
      const words = narrator.words(event);
      if (!words) return [];
      const what = words.tone === 'plain' ? words.what : html`<strong>${words.what}</strong>`;
      return [[formatMoment(event.at), words.label, what, clip(words.detail ?? '', MAX_TEXT)]];
    });
  if (rows.length === 0) return paragraph('Nothing happened.');
  return table(
    'What happened',
    [right('time'), left('phase'), left('what'), left('proof or reason')],
    rows,
    'event-table',
  );
}

function service({ figures }: Report): Content {
  if (figures.availability.length === 0) return paragraph('No load was run.');
  const whole = figures.windows.filter(({ shard }) => shard === undefined);
  const ofShards = figures.windows.filter(({ shard }) => shard !== undefined);
  return [
    table(
      'Availability: operations that ended ok, of those that the schedule intended',
      [
        left('operation'),
        left('span'),
        ...['availability', 'intended', 'ok', 'failed', 'unknown', 'not sent'].map(right),
      ],
      figures.availability.map(({ kind, span, figures: { share, intended, ok, fail, unknown, unsent } }) => [
        kind,
        SPAN_NAMES[span],
        formatShare(share),
        ...[intended, ok, fail, unknown, unsent].map(number),
      ]),
      'availability',
    ),
    figures.latency.length === 0
      ? ''
      : table(
          'Latency of operations that ended ok, from the intended start',
          [left('operation'), left('span'), ...['p50', 'p90', 'p99', 'p99.9', 'max', 'count'].map(right)],
          figures.latency.map(({ kind, span, figures: { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, count } }) => [
            kind,
            SPAN_NAMES[span],
            ...[p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map(formatDuration),
            number(count),
          ]),
          'latency',
        ),
    paragraph(`Spans: ${spanWords(figures.spans)}.`),
    whole.length === 0
      ? paragraph('No kind of operation as a whole had an outage or a brownout.')
      : windowTable('Outages (no success) and brownouts (some failed or came late)', whole),
    ofShards.length === 0
      ? ''
      : html`<details><summary>Of single shards: ${formatCount(ofShards.length, 'window')}</summary>\n${windowTable('Outages and brownouts of single shards', ofShards)}</details>\n`,
    figures.recovery.length === 0
      ? ''
      : table(
          'Recovery: from the fault in effect until service was as before',
          [left('operation'), right('recovery time')],
          figures.recovery.map((one) => [one.kind, recoveryWords(one)]),
          'recovery',
        ),
  ];
}

function spanWords(spans: Report['figures']['spans']): string {
  return SPANS.flatMap((span) => {
    const range = spans[span];
    return range ? [`${SPAN_NAMES[span]} from ${formatMoment(range.fromMs)} to ${formatMoment(range.toMs)}`] : [];
  }).join(', ');
}

function windowTable(caption: string, windows: readonly ServiceWindow[]): Content {
  const withShard = windows.some(({ shard }) => shard !== undefined);
  const more = windows.length - MAX_WINDOWS;
  return [
    table(
      caption,
      [
        left('window'),
        left('operation'),
        ...(withShard ? [left('shard')] : []),
        ...['from', 'to', 'length', 'ok', 'failed'].map(right),
      ],
      windows
        .slice(0, MAX_WINDOWS)
        .map((window) => [
          window.type,
          window.kind,
          ...(withShard ? [window.shard ?? ''] : []),
          formatMoment(window.fromMs),
          formatMoment(window.toMs),
          lengthOf(window),
          number(window.ok),
          number(window.failed),
        ]),
      withShard ? 'shard-windows' : 'windows',
    ),
    more > 0 ? paragraph(`${formatCount(more, 'more window')} in report.json.`) : '',
  ];
}

function shards(report: Report): Content {
  const { shards: rows } = report.figures;
  if (rows.length === 0) return paragraph('Nothing was seen of them.');
  const predicted = wasPredicted(rows);
  const observed = (expected: boolean | undefined, seen: (typeof rows)[number]['read']) =>
    differs(expected, seen) ? html`<span class="differs">≠ ${observedWords(seen)}</span>` : observedWords(seen);
  return [
    paragraph(shardsHeading(report)),
    table(
      predicted ? 'What was predicted of each shard, and what was observed' : 'What was observed of each shard',
      [
        left('shard'),
        left('on'),
        right('messages read'),
        ...(predicted ? [left('readable: predicted')] : []),
        left('reads observed'),
        ...(predicted ? [left('writable: predicted')] : []),
        left('writes observed'),
      ],
      rows.map((shard) => [
        shard.shard,
        shard.placements.join(', '),
        `${number(shard.readableMessages)} of ${number(shard.messages)}`,
        ...(predicted ? [predictedWords(shard, 'read')] : []),
        observed(shard.predictedReadable, shard.read),
        ...(predicted ? [predictedWords(shard, 'write')] : []),
        observed(shard.predictedWritable, shard.write),
      ]),
      'shard-table',
    ),
  ];
}

function data({ ledger }: Report): Content {
  return [
    ledger.finalReads ? '' : html`<p><strong>${NO_PROOF}</strong></p>\n`,
    paragraph(writesWords(ledger)),
    table(
      'What was not as it was written',
      [left('what'), right('how many'), left('witnesses (writer:sequence)')],
      ledgerRows(ledger).map(({ what, count, witnesses, more }) => [
        what,
        count === undefined ? 'not known' : count === 0 ? 'nothing' : html`<strong>${number(count)}</strong>`,
        [
          witnesses.map((key, i) => html`${i === 0 ? '' : html`, `}<code>${clip(key, MAX_TEXT)}</code>`),
          more ? ', …' : '',
        ],
      ]),
      'ledger',
    ),
  ];
}

function errors({ figures }: Report): Content {
  if (figures.errors.length === 0) return paragraph('No operation ended with an error.');
  const more = figures.errors.length - MAX_ERRORS;
  return [
    table(
      'What the client was told, grouped; the text is that of the first',
      [
        left('code'),
        left('operation'),
        left('outcome'),
        right('count'),
        right('first at'),
        right('last at'),
        left('text'),
      ],
      figures.errors
        .slice(0, MAX_ERRORS)
        .map(({ code, kind, outcome, count, firstAtMs, lastAtMs, text }) => [
          html`<code>${clip(code, MAX_TEXT)}</code>`,
          kind,
          outcome === 'unsent' ? 'not sent' : outcome,
          number(count),
          formatMoment(firstAtMs),
          formatMoment(lastAtMs),
          html`<div class="text">${clip(text, MAX_TEXT)}</div>`,
        ]),
      'error-table',
    ),
    more > 0 ? paragraph(`${formatCount(more, 'more group')} in report.json.`) : '',
  ];
}

function cluster({ topology, nodes, placement, acts }: Report): Content {
  const { platform, engine, reason } = topology;
  const made =
    platform === undefined || engine === undefined ? reason : `platform ${platform}, engine ${engine} (${reason})`;
  const struck = faultsByNode({ acts });
  return [
    paragraph(`${clusterSize(topology)}; ${clip(made, MAX_TEXT)}.`),
    nodes.length === 0
      ? ''
      : table(
          'Nodes',
          [left('node'), left('role'), left('address'), left('version'), left('fault')],
          nodes.map(({ name, role, address, version }) => [
            name,
            role,
            html`<code>${address}</code>`,
            clip(version, MAX_TEXT),
            (struck.get(name) ?? []).join(', '),
          ]),
        ),
    placement.length === 0
      ? ''
      : placements(nodes.length === 0 ? 'Placements, as planned' : 'Placements', { topology, placement }),
  ];
}

function placements(caption: string, { topology, placement }: Pick<Report, 'topology' | 'placement'>): Html {
  const holds = (worker: string) => placement.filter(({ placements: on }) => on.includes(worker));
  if (placement.length > MAX_GRID_SHARDS) {
    const rows = workerNames(topology).map((worker) => {
      const held = holds(worker);
      return [worker, number(held.length), held.map(({ name }) => name).join(', ')];
    });
    return table(caption, [left('worker'), right('shards'), left('which')], rows, 'placements');
  }
  const mark = html`<div class="holds"><span aria-hidden="true">●</span><span class="unseen">yes</span></div>`;
  const none = html`<span class="unseen">no</span>`;
  return table(
    caption,
    [left('worker'), ...placement.map(({ name }) => left(`shard ${name}`))],
    workerNames(topology).map((worker) => [
      worker,
      ...placement.map(({ placements: on }) => (on.includes(worker) ? mark : none)),
    ]),
    'placements',
  );
}

function thisRun({ run, durationMs }: Report): Content {
  const rows: readonly (readonly [string, string])[] = [
    ['run', run.id],
    ['started', run.startedAt],
    ['duration', formatDuration(durationMs)],
    ['seed', String(run.seed)],
    ['load', loadWords({ run })],
    ['data', formatCount(run.messages, 'message')],
    ['pgquake', run.pgquakeVersion],
    ['Node.js', run.nodeVersion],
  ];
  return [
    table('What was run', [left('what'), left('value')], rows),
    html`<p id="again-label">Run it again:</p>\n<pre id="again" role="group" tabindex="0" aria-labelledby="again-label"><code>${run.again}</code></pre>\n`,
  ];
}
