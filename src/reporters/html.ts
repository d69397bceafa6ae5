/** `report.html`: the report as one self-contained page that needs no network and no other file. */

import { partitionsWordOf } from '../model/partition-words.ts';
import type { Report } from '../model/report.ts';
import { documentHtml } from './document-html.ts';
import { jsonText } from './escape.ts';
import { type Content, html, trusted } from './html/markup.ts';
import { htmlPage } from './html/page.ts';
import { topologyPicture } from './html/topology.ts';
import { TIMELINE_CSS, ZOOM_SCRIPT } from './page/assets.ts';
import { reportDocument } from './report/report-document.ts';
import type { Reporter } from './reporter.ts';
import { type Moment, momentsOf } from './timeline/moments.ts';

import { timelineSvg } from './timeline/svg.ts';
import { type Timeline, timelineOf } from './timeline/timeline.ts';

const WIDE = 960;
const NARROW = 340;

export const htmlReport: Reporter = {
  name: 'html',
  summary: 'report.html, for people: one page with the picture of the run, that needs no network',
  render: (report) => ({ 'report.html': page(report) }),
};

function page(report: Report): string {
  const { run, judgement } = report;
  const { head, sections } = reportDocument(report);
  const timeline = timelineOf(report);
  const picture = (name: string): Content => {
    if (name === 'topology') return topologyPicture(report) ?? '';
    if (!timeline) return '';
    return name === 'moments' ? moments(momentsOf(timeline)) : drawn(timeline, report);
  };
  return htmlPage({
    title: `${judgement.toUpperCase()}: ${run.scenario}`,
    version: run.pgquakeVersion,
    css: TIMELINE_CSS,
    script: ZOOM_SCRIPT,
    body: html`<header>
${documentHtml(head, picture)}</header>
<main>
${documentHtml(sections, picture)}</main>`,
  });
}

/** The picture twice, for wide and for narrow screens, with its zoom buttons. */
function drawn(timeline: Timeline, { run, topology }: Report): Content {
  const draw = (className: string, width: number) => {
    const svg = timelineSvg(timeline, {
      width,
      id: `picture-${className}`,
      title: `Timeline of ${run.scenario}`,
      description: `Load, latency, nodes, ${partitionsWordOf(topology.partitionWord)} and faults; the tables of this page have its figures.`,
      standalone: false,
    });
    return html`<div class="${className}">${trusted(svg)}</div>`;
  };
  return html`<div class="zoom" id="zoom" role="group" aria-label="Zoom of the picture" hidden>
<button type="button" id="zoom-in">Zoom in</button><button type="button" id="zoom-out">Zoom out</button><button type="button" id="zoom-earlier">Earlier</button><button type="button" id="zoom-later">Later</button><button type="button" id="zoom-faults">Faults</button><button type="button" id="zoom-whole">Whole run</button>
<span>Shown: <output id="shown-range"></output><span class="mouse">. Or draw the mouse over a stretch</span>.</span>
</div>
<figure>${draw('wide', WIDE)}${draw('narrow', NARROW)}</figure>\n`;
}

function moments(all: readonly Moment[]): Content {
  return html`<div class="moment" id="moment-panel" hidden>
<label for="moment">At one moment: point at the picture, or move this slider</label>
<input type="range" id="moment" min="0" max="${all.length - 1}" value="0" step="1">
<div aria-live="polite"><strong id="moment-title"></strong><ul id="moment-lines"></ul></div>
</div>
<script type="application/json" id="moments">${trusted(momentsJson(all))}</script>\n`;
}

/** JSON for a script element, which must not contain `<`. */
function momentsJson(moments: readonly Moment[]): string {
  const records = moments.map(({ fromMs, toMs, title, lines }) => {
    const texts = lines.map(jsonText).join(',');
    return `{"fromMs":${fromMs},"toMs":${toMs},"title":${jsonText(title)},"lines":[${texts}]}`;
  });
  return `[${records.join(',\n')}]`.replaceAll('<', '\\u003c');
}
