/** `report.html`: the report as one page that needs nothing but itself: no network, no other file. */

import { partitionsWordOf } from '../model/partition-words.ts';
import type { Report } from '../model/report.ts';
import { formatMoment } from '../model/units.ts';
import { type CheckResult, subjectAsWritten } from '../model/verdict.ts';
import { clip, jsonText } from './escape.ts';
import { EventNarrator } from './event-words.ts';
import { headline } from './headline.ts';
import { cluster, repair, thisRun } from './html/cluster.ts';
import {
  badge,
  type Content,
  type Html,
  html,
  left,
  MARKS,
  MAX_TEXT,
  paragraph,
  right,
  section,
  table,
  trusted,
} from './html/markup.ts';
import { htmlPage } from './html/page.ts';
import { PAGE_SCRIPT } from './html/script.ts';
import { data, errors, partitions, service } from './html/service.ts';
import { circumstances, partitionsTitle } from './report-words.ts';
import type { Reporter } from './reporter.ts';
import { roleGrids, roleNotes } from './roles.ts';
import { type Moment, momentsOf } from './timeline/moments.ts';
import { TIMELINE_CSS } from './timeline/style.ts';
import { timelineSvg } from './timeline/svg.ts';
import { timelineOf } from './timeline/timeline.ts';

const WIDE = 960;
const NARROW = 340;

export const htmlReport: Reporter = {
  name: 'html',
  summary: 'report.html, for people: one page with the picture of the run, that needs no network',
  render: (report) => ({ 'report.html': page(report) }),
};

function page(report: Report): string {
  const { run, judgement } = report;
  return htmlPage({
    title: `${judgement.toUpperCase()}: ${run.scenario}`,
    version: run.pgquakeVersion,
    css: TIMELINE_CSS,
    script: PAGE_SCRIPT,
    body: html`${header(report)}
<main>
${section('timeline', 'Timeline', picture(report))}
${section('hypothesis', 'Hypothesis', hypothesis(report))}
${section('service', 'Service', service(report))}
${rolesSection(report)}${section('partitions', `${partitionsTitle(report)} during the fault`, partitions(report))}
${section('data', 'Data', data(report))}
${repairSection(report)}${section('errors', 'Errors', errors(report))}
${section('events', 'Events', events(report))}
${section('cluster', 'Cluster', cluster(report))}
${section('run', 'This run', thisRun(report))}
</main>`,
  });
}

function rolesSection(report: Report): Content {
  const grids = roleGrids(report);
  if (grids.length === 0) return '';
  const tables = grids.map(({ caption, columns, rows, id }) =>
    table(
      caption,
      columns,
      rows.map((row) => row.map((cell) => clip(cell, MAX_TEXT))),
      id,
    ),
  );
  return html`${section('roles', 'Roles', [...tables, ...roleNotes(report).map(paragraph)])}\n`;
}

function repairSection(report: Report): Content {
  const advice = repair(report);
  return advice === undefined ? '' : html`${section('repair', 'Repair', advice)}\n`;
}

function header(report: Report): Html {
  const { run, judgement, finding } = report;
  const rows = circumstances(report).map(([name, value]) => [name, clip(value, MAX_TEXT)]);
  return html`<header>
<h1><span id="verdict">${badge(judgement)}</span> ${run.scenario}</h1>
${run.claim === undefined ? '' : html`<blockquote>${run.claim}</blockquote>\n`}<p class="finding" id="finding">${finding}</p>
<p class="dim">${run.summary}</p>
${figures(report)}${table('When, where and on what', [left('what'), left('value')], rows)}
</header>`;
}

function figures(report: Report): Html {
  const tiles = headline(report).map(
    ({ title, value, limits, evidence }) => html`<div><dt><a href="#${evidence.toLowerCase()}">${title}</a></dt>
<dd><strong>${value}</strong>${limits.map(({ judgement, expected }) => html`<span class="limit ${judgement}">${MARKS[judgement]} ${expected}</span>`)}</dd></div>\n`,
  );
  return html`<dl class="headline">\n${tiles}</dl>\n`;
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
    results.map(({ check, params, judgement, expected, observed }) => [
      [check, subjectAsWritten({ params })].join(' ').trimEnd(),
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
      description: `Load, latency, nodes, ${partitionsWordOf(report.topology.partitionWord)} and faults; the tables of this page have its figures.`,
      standalone: false,
    });
    return html`<div class="${className}">${trusted(svg)}</div>`;
  };
  const moments = momentsOf(timeline);
  const step =
    timeline.secondsPerBucket === 1
      ? ''
      : paragraph(`Drawn in steps of ${timeline.secondsPerBucket} s; latency is that of the worst second in each.`);
  return html`<div class="zoom" id="zoom" role="group" aria-label="Zoom of the picture" hidden>
<button type="button" id="zoom-in">Zoom in</button><button type="button" id="zoom-out">Zoom out</button><button type="button" id="zoom-earlier">Earlier</button><button type="button" id="zoom-later">Later</button><button type="button" id="zoom-faults">Faults</button><button type="button" id="zoom-whole">Whole run</button>
<span>Shown: <output id="shown-range"></output><span class="mouse">. Or draw the mouse over a stretch</span>.</span>
</div>
<figure>${draw('wide', WIDE)}${draw('narrow', NARROW)}</figure>
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
