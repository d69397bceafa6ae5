/** A report as a document: all sections in reading order. */

import { partitionsWordOf } from '../../model/partition-words.ts';
import type { Report } from '../../model/report.ts';
import { formatMoment } from '../../model/units.ts';
import { type Block, facts, left, line, right, said, section, strong, table } from '../document.ts';
import { EventNarrator } from '../event-words.ts';
import { headline } from '../headline.ts';
import { circumstances, partitionsTitle, repairWords } from '../report-words.ts';
import { roleBlocks } from '../roles.ts';
import { timelineOf } from '../timeline/timeline.ts';
import { TIMELINE_FILE } from '../timeline.ts';
import { cluster, thisRun } from './report-cluster.ts';
import { data, errors, partitions } from './report-data.ts';
import { hypothesis } from './report-hypothesis.ts';
import { service } from './report-service.ts';

export function reportDocument(report: Report): {
  readonly head: readonly Block[];
  readonly sections: readonly Block[];
} {
  const roles = roleBlocks(report);
  const repaired = repair(report);
  return {
    head: head(report),
    sections: [
      section('Timeline', picture(report), 'timeline'),
      section('Hypothesis', hypothesis(report), 'hypothesis'),
      section('Service', service(report), 'service'),
      ...(roles.length === 0 ? [] : [section('Roles', roles, 'roles')]),
      section(`${partitionsTitle(report)} during the fault`, partitions(report), 'partitions'),
      section('Data', data(report), 'data'),
      ...(repaired.length === 0 ? [] : [section('Repair', repaired, 'repair')]),
      section('Errors', errors(report), 'errors'),
      section('Events', events(report), 'events'),
      section('Cluster', cluster(report), 'cluster'),
      section('This run', thisRun(report), 'run'),
    ],
  };
}

function head(report: Report): Block[] {
  const { run, judgement, finding } = report;
  return [
    { type: 'title', text: run.scenario, judgement },
    ...(run.claim === undefined ? [] : [{ type: 'quote', text: run.claim } as const]),
    { type: 'line', words: finding, role: 'finding' },
    { type: 'line', words: run.summary, role: 'aside' },
    { type: 'figures', figures: headline(report) },
    facts(
      circumstances(report).map(([name, value]) => [name, said(value)]),
      { caption: 'When, where and on what' },
    ),
  ];
}

function picture(report: Report): Block[] {
  const timeline = timelineOf(report);
  if (!timeline) return [line('No load ran.')];
  const words = partitionsWordOf(report.topology.partitionWord);
  const { secondsPerBucket } = timeline;
  return [
    {
      type: 'picture',
      name: 'timeline',
      file: TIMELINE_FILE,
      alt: `Load, latency, nodes, ${words} and faults over the time of the run`,
    },
    ...(secondsPerBucket === 1
      ? []
      : [line(`Drawn in steps of ${secondsPerBucket} s; latency is that of the worst second in each.`)]),
    { type: 'picture', name: 'moments', alt: 'What the picture shows at one moment' },
  ];
}

function events({ timeline, topology, run }: Report): Block[] {
  const narrator = new EventNarrator({ topology, plannedActs: run.plannedActs });
  const rows = timeline
    .toSorted((a, b) => a.at - b.at)
    .flatMap((event) => {
      const words = narrator.words(event);
      if (!words) return [];
      const what = words.tone === 'plain' ? words.what : strong(words.what);
      return [[formatMoment(event.at), words.label, what, said(words.detail ?? '')]];
    });
  if (rows.length === 0) return [line('Nothing happened.')];
  const columns = [right('time'), left('phase'), left('what'), left('proof or reason')];
  return [table(columns, rows, { caption: 'What happened', id: 'event-table' })];
}

/** The commands to run if the nodes had not come back. */
function repair({ timeline, topology }: Report): Block[] {
  return timeline
    .flatMap((event) => (event.type === 'repair' ? [event] : []))
    .map(({ away, commands }, i) => ({
      type: 'code',
      language: 'sql',
      id: `repair-${i + 1}`,
      label: repairWords(away, topology),
      lines: commands,
    }));
}
