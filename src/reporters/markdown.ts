/** `report.md`: the report for people, written for GitHub. What has no content says so in one line. */

import { type Availability, type ServiceWindow, SPANS } from '../model/figures.ts';
import { ofEveryPartition, partitionsWordOf, partitionWordOf } from '../model/partition-words.ts';
import type { LedgerFigures, Report } from '../model/report.ts';
import { dataNodes, holderWord } from '../model/topology.ts';
import { formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { type CheckResult, type Judgement, subjectAsWritten } from '../model/verdict.ts';
import { clip, markdownCode as code, htmlText, markdownCodeBlock, markdownText as text } from './escape.ts';
import { EventNarrator } from './event-words.ts';
import { headline } from './headline.ts';
import { blocks, type Column, details, table } from './markdown-table.ts';
import {
  circumstances,
  clusterSize,
  differs,
  disagreementLines,
  faultsByNode,
  firstSuccessWords,
  kindWords,
  LATENCY_COLUMNS,
  latencyWords,
  ledgerRows,
  lengthOf,
  loadWords,
  lookAgain,
  messagesReadWords,
  NO_LEDGER,
  NO_PROOF,
  number,
  observedWords,
  PROBE_COLUMNS,
  partitionsHeading,
  partitionsTitle,
  predictedWords,
  probeWords,
  recoveryWords,
  repairWords,
  SOURCES,
  SPAN_NAMES,
  wasPredicted,
  windowName,
  writesWords,
} from './report-words.ts';
import type { Reporter } from './reporter.ts';
import { roleGrids, roleNotes } from './roles.ts';
import { timelineOf } from './timeline/timeline.ts';
import { TIMELINE_FILE } from './timeline.ts';

const MARKS: Readonly<Record<Judgement, string>> = { pass: '✅', fail: '❌', unknown: '⚠️' };

/** Of one line that a server said. */
const MAX_TEXT = 400;
const MAX_ERRORS = 20;
/** More partitions than this make the grid of placements too wide to read. */
const MAX_GRID_PARTITIONS = 24;

const right = (title: string): Column => ({ title, align: 'right' });
const center = (title: string): Column => ({ title, align: 'center' });
const left = (title: string): Column => ({ title });

export const markdown: Reporter = {
  name: 'markdown',
  summary: 'report.md, for people; reads well on GitHub',
  render: (report) => ({ 'report.md': `${render(report).join('\n')}\n` }),
};

function render(report: Report): string[] {
  return blocks(
    head(report),
    ['## Hypothesis'],
    hypothesis(report),
    ['## Timeline'],
    picture(report),
    timeline(report),
    ['## Service'],
    availability(report),
    latency(report),
    probes(report),
    windows(report),
    recovery(report),
    roles(report),
    [`## ${partitionsTitle(report)} during the fault`],
    partitions(report),
    ['## Data'],
    data(report.ledger),
    repair(report),
    ['## Errors'],
    errors(report),
    ['## Cluster'],
    cluster(report),
    ['## This run'],
    thisRun(report),
  );
}

function head(report: Report): string[] {
  const { run, judgement, finding } = report;
  return blocks(
    [`# ${MARKS[judgement]} ${judgement.toUpperCase()}: ${text(run.scenario)}`],
    run.claim === undefined ? [] : [`> ${text(run.claim)}`],
    [`**${text(finding)}**`],
    [text(run.summary)],
    table(
      [left('what operators ask'), left('seen'), left('asked for')],
      headline(report).map(({ title, value, limits, evidence }) => [
        `[${title}](#${evidence.toLowerCase()})`,
        `**${text(value)}**`,
        limits.map(({ judgement, expected }) => `${MARKS[judgement]} ${text(expected)}`).join('<br>'),
      ]),
    ),
    table(
      [left(''), left('')],
      circumstances(report).map(([name, value]) => [text(name), text(clip(value, MAX_TEXT))]),
    ),
  );
}

function hypothesis({ results }: Report): string[] {
  const own = results.filter((result) => !result.always);
  const always = results.filter((result) => result.always);
  const notPassed = results.filter((result) => result.judgement !== 'pass' && result.evidence.length > 0);
  return blocks(
    own.length === 0 ? ['No hypothesis was judged.'] : resultTable(own),
    always.length === 0 ? [] : ['Checked in every run:'],
    always.length === 0 ? [] : resultTable(always),
    ...notPassed.map(evidence),
  );
}

function resultTable(results: readonly CheckResult[]): string[] {
  return table(
    [center(''), left('check'), left('expected'), left('observed')],
    results.map((result) => [
      MARKS[result.judgement],
      [code(result.check), text(subjectAsWritten(result))].join(' ').trimEnd(),
      text(clip(result.expected, MAX_TEXT)),
      text(clip(result.observed, MAX_TEXT)),
    ]),
  );
}

function evidence(result: CheckResult): string[] {
  const place = result.place === undefined ? '' : ` (${result.place})`;
  const summary = `${MARKS[result.judgement]} Evidence: ${htmlText([result.check, subjectAsWritten(result)].join(' ').trimEnd() + place)}`;
  return details(
    summary,
    result.evidence.map((line) => `- ${text(clip(line, MAX_TEXT))}`),
  );
}

function picture(report: Report): string[] {
  if (!timelineOf(report)) return [];
  const words = partitionsWordOf(report.topology.partitionWord);
  return [`![Load, latency, nodes, ${words} and faults over the time of the run](${TIMELINE_FILE})`];
}

function timeline({ timeline: events, topology, run }: Report): string[] {
  const narrator = new EventNarrator({ topology, plannedActs: run.plannedActs });
  const rows = events
    .toSorted((a, b) => a.at - b.at)
    .flatMap((event) => {
      const words = narrator.words(event);
      if (!words) return [];
      const what = words.tone === 'plain' ? text(words.what) : `**${text(words.what)}**`;
      return [[formatMoment(event.at), text(words.label), what, text(clip(words.detail ?? '', MAX_TEXT))]];
    });
  if (rows.length === 0) return ['Nothing happened.'];
  return table([right('time'), left('phase'), left('what'), left('proof or reason')], rows);
}

function availability({ figures, run }: Report): string[] {
  if (figures.availability.length === 0) return ['No load was run.'];
  const spans = SPANS.flatMap((span) => {
    const range = figures.spans[span];
    return range ? [`${SPAN_NAMES[span]} from ${formatMoment(range.fromMs)} to ${formatMoment(range.toMs)}`] : [];
  });
  return blocks(
    ['### Availability'],
    [`Operations that ended \`ok\`, of those that the schedule intended. Spans: ${spans.join(', ')}.`],
    table(
      [
        left('operation'),
        left('span'),
        ...['availability', 'intended', 'ok', 'failed', 'unknown', 'not sent'].map(right),
      ],
      figures.availability.map(({ kind, span, figures: { share, intended, ok, fail, unknown, unsent } }) => [
        text(kindWords({ run }, kind)),
        SPAN_NAMES[span],
        formatShare(share),
        ...[intended, ok, fail, unknown, unsent].map(number),
      ]),
    ),
  );
}

function latency({ figures }: Report): string[] {
  if (figures.latency.length === 0) return [];
  return blocks(
    ['### Latency'],
    [
      'Of operations that ended `ok`, counted from the intended start. A percentile that takes more answers is left out.',
    ],
    table(
      [left('operation'), left('span'), ...LATENCY_COLUMNS.map(right)],
      figures.latency.map(({ kind, span, figures: latency }) => [
        text(kind),
        SPAN_NAMES[span],
        ...latencyWords(latency),
      ]),
    ),
  );
}

function probes({ figures, topology }: Report): string[] {
  if (figures.probes.length === 0) return [];
  return blocks(
    ['### Probes'],
    [
      `The lightest read and write${ofEveryPartition(topology.partitionWord)}; \`probe-connect\` reads on a connection that is opened for it. Times from sent until answered.`,
    ],
    table(
      [left('probe'), left('span'), ...PROBE_COLUMNS.map(right)],
      figures.probes.map((one) => [text(one.kind), SPAN_NAMES[one.span], ...probeWords(one)]),
    ),
  );
}

function windows({ figures, topology }: Report): string[] {
  if (figures.availability.length === 0) return [];
  const whole = figures.windows.filter(({ partition }) => partition === undefined);
  const ofPartitions = figures.windows.filter(({ partition }) => partition !== undefined);
  return blocks(
    ['### Outages and brownouts'],
    ['An outage is a time without a single success; in a brownout some operations failed or came late.', SOURCES],
    disagreementLines(figures).map((line) => `**${text(line)}**`),
    whole.length === 0 ? ['No kind of operation as a whole had one.'] : windowTable(whole),
    ofPartitions.length === 0 || topology.partitionWord === undefined
      ? []
      : details(
          `Of single ${partitionsWordOf(topology.partitionWord)}: ${formatCount(ofPartitions.length, 'window')}`,
          windowTable(ofPartitions, partitionWordOf(topology.partitionWord)),
        ),
  );
}

/** @param word for the column of partitions; none by default. */
function windowTable(rows: readonly ServiceWindow[], word?: string): string[] {
  return table(
    [
      left(''),
      left('operation'),
      ...(word === undefined ? [] : [left(word)]),
      left('seen by'),
      ...['from', 'to', 'length', 'ok', 'failed'].map(right),
    ],
    rows.map(({ type, kind, partition = '', seenBy, fromMs, toMs, durationMs, uncertaintyMs, ok, failed }) => [
      windowName({ type, ok, failed }),
      text(kind),
      ...(word === undefined ? [] : [text(partition)]),
      `the ${seenBy}`,
      formatMoment(fromMs),
      formatMoment(toMs),
      lengthOf({ durationMs, uncertaintyMs }),
      number(ok),
      number(failed),
    ]),
  );
}

function recovery({ figures }: Report): string[] {
  if (figures.recovery.length === 0) return [];
  return blocks(
    ['### Recovery'],
    ['From the fault in effect to the first success after an outage, and until service was as before.'],
    table(
      [left('operation'), right('first success'), right('recovery time')],
      figures.recovery.map((one) => [
        text(one.kind),
        firstSuccessWords(one),
        one.recoveryMs === null ? `**${recoveryWords(one)}**` : recoveryWords(one),
      ]),
    ),
  );
}

function roles(report: Report): string[] {
  const grids = roleGrids(report);
  if (grids.length === 0) return [];
  return blocks(
    ['## Roles'],
    ...grids.map(({ caption, columns, rows }) =>
      blocks(
        [`**${text(caption)}**`],
        table(
          columns.map(({ title, numeric }) => (numeric ? right(text(title)) : left(text(title)))),
          rows.map((row) => row.map((cell) => text(clip(cell, MAX_TEXT)))),
        ),
      ),
    ),
    ...roleNotes(report).map((note) => [text(note)]),
  );
}

function partitions(report: Report): string[] {
  const { figures, topology } = report;
  if (figures.partitions.length === 0) return ['Nothing was seen of them.'];
  const predicted = wasPredicted(figures.partitions);
  const counted = report.run.messages > 0;
  return blocks(
    [partitionsHeading(report)],
    table(
      [
        left(topology.partitionWord ?? 'rows'),
        left('on'),
        ...(counted ? [right('messages read')] : []),
        ...(predicted ? [left('readable: predicted')] : []),
        left('reads observed'),
        ...(predicted ? [left('writable: predicted')] : []),
        left('writes observed'),
      ],
      figures.partitions.map((partition) => [
        text(topology.partitionWord === undefined ? 'all' : partition.partition),
        text(partition.copies.join(', ')),
        ...(counted ? [messagesReadWords(partition)] : []),
        ...(predicted ? [predictedWords(partition, 'read')] : []),
        observed(partition.predictedReadable, partition.read),
        ...(predicted ? [predictedWords(partition, 'write')] : []),
        observed(partition.predictedWritable, partition.write),
      ]),
    ),
  );
}

function observed(predicted: boolean | undefined, figures: Availability): string {
  return differs(predicted, figures) ? `**≠ ${observedWords(figures)}**` : observedWords(figures);
}

function data(ledger: LedgerFigures | null): string[] {
  if (!ledger) return [NO_LEDGER];
  const statements = lookAgain(ledger);
  return blocks(
    ledger.finalReads ? [] : [`**${NO_PROOF}**`],
    [writesWords(ledger)],
    table(
      [left(''), right('how many'), left('witnesses (writer:sequence)')],
      ledgerRows(ledger).map(({ what, count, witnesses, more }) => [
        what,
        count === undefined ? 'not known' : count === 0 ? 'nothing' : `**${number(count)}**`,
        witnesses.map((key) => code(clip(key, MAX_TEXT))).join(', ') + (more ? ', …' : ''),
      ]),
    ),
    statements.length === 0
      ? []
      : details('SQL to look at the witnesses again', markdownCodeBlock('sql', ...statements)),
  );
}

function errors({ figures }: Report): string[] {
  if (figures.errors.length === 0) return ['No operation ended with an error.'];
  const more = figures.errors.length - MAX_ERRORS;
  return blocks(
    table(
      [
        right('count'),
        left('operation'),
        left('outcome'),
        left('code'),
        left('text of the first'),
        right('first at'),
        right('last at'),
      ],
      figures.errors
        .slice(0, MAX_ERRORS)
        .map((group) => [
          number(group.count),
          text(group.kind),
          group.outcome === 'unsent' ? 'not sent' : group.outcome,
          code(clip(group.code, MAX_TEXT)),
          text(clip(group.text, MAX_TEXT)),
          formatMoment(group.firstAtMs),
          formatMoment(group.lastAtMs),
        ]),
    ),
    more > 0 ? [`${formatCount(more, 'more group')} in report.json.`] : [],
  );
}

function cluster({ topology, nodes, placement, acts }: Report): string[] {
  const { platform, engine, reason, attach } = topology;
  const made =
    platform === undefined || engine === undefined
      ? text(clip(reason, MAX_TEXT))
      : `platform ${code(platform)}, engine ${code(engine)} (${text(clip(reason, MAX_TEXT))})`;
  const struck = faultsByNode({ acts });
  const said = [
    `${clusterSize(topology)}; ${made}`,
    ...(attach === undefined ? [] : [`attached to ${code(attach)}, which stood before and stands after`]),
  ];
  return blocks(
    [`${said.join('; ')}.`],
    nodes.length === 0
      ? []
      : table(
          [left('node'), left('role'), left('address'), left('version'), left('fault')],
          nodes.map(({ name, role, address, version }) => [
            text(name),
            role,
            code(address),
            text(clip(version, MAX_TEXT)),
            text((struck.get(name) ?? []).join(', ')),
          ]),
        ),
    placement.length === 0 || topology.partitionWord === undefined
      ? []
      : [nodes.length === 0 ? 'Placements, as planned:' : 'Placements:'],
    placementGrid({ topology, placement }),
  );
}

function placementGrid({ topology, placement }: Pick<Report, 'topology' | 'placement'>): string[] {
  if (placement.length === 0 || topology.partitionWord === undefined) return [];
  const workers = dataNodes(topology);
  const heldBy = (worker: string) => placement.filter(({ copies: placements }) => placements.includes(worker));
  if (placement.length > MAX_GRID_PARTITIONS) {
    return table(
      [left(holderWord(topology)), right(partitionsWordOf(topology.partitionWord)), left('which')],
      workers.map((worker) => {
        const held = heldBy(worker);
        return [text(worker), number(held.length), text(held.map(({ name }) => name).join(', '))];
      }),
    );
  }
  return table(
    [left(holderWord(topology)), ...placement.map(({ name }) => center(text(name)))],
    workers.map((worker) => [
      text(worker),
      ...placement.map(({ copies: placements }) => (placements.includes(worker) ? '●' : '')),
    ]),
  );
}

function repair({ timeline: events, topology }: Report): string[] {
  const advice = events.flatMap((event) => (event.type === 'repair' ? [event] : []));
  if (advice.length === 0) return [];
  return blocks(
    ['## Repair'],
    ...advice.flatMap(({ away, commands }) => [
      [text(repairWords(away, topology))],
      markdownCodeBlock('sql', ...commands),
    ]),
  );
}

function thisRun({ run, durationMs }: Report): string[] {
  const rows = [
    ['run', code(run.id)],
    ['duration', formatDuration(durationMs)],
    ['load', text(loadWords({ run }))],
    ...(run.messages === 0 ? [] : [['data', formatCount(run.messages, 'message')]]),
    ['pgquake', text(run.pgquakeVersion)],
    ['Node.js', text(run.nodeVersion)],
  ];
  return blocks(table([left(''), left('')], rows), ['Run it again:'], markdownCodeBlock('sh', run.again));
}
