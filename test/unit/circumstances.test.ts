/** When, where and on what a run was made stands at the top of every report. */

import { expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { markdown } from '../../src/reporters/markdown.ts';
import { circumstances } from '../../src/reporters/report-words.ts';
import { timeline } from '../../src/reporters/timeline.ts';
import { passedReport } from '../support/sample-report.ts';

const SAMPLE = { busy: 0.4, stolen: 0, runnable: 1.5, lateMs: 12 };
const STARVED = { ...SAMPLE, busy: 1, runnable: 6.2, starved: '6.2 tasks for 2 processors' };

/** As a run of this version records it. */
const report: Report = {
  ...passedReport,
  run: {
    ...passedReport.run,
    machine: { system: 'Linux 6.8.0 x64', processors: 2, memoryBytes: 8 * 2 ** 30, loadAverage: 0.25 },
    attempt: { number: 2, most: 3 },
    fitted: 0.5,
  },
  nodes: passedReport.nodes.map((node) => ({
    ...node,
    settings: {
      fsync: 'off',
      max_connections: node.role === 'coordinator' ? '300' : '600',
      synchronous_commit: node.name === 'worker2' ? 'off' : 'on',
    },
  })),
  timeline: passedReport.timeline.map((event) =>
    event.type === 'cluster-formed' ? { ...event, about: [{ name: 'Docker', value: '27.1, linux/amd64' }] } : event,
  ),
  figures: {
    ...passedReport.figures,
    host: {
      processors: 2,
      sampledMs: 2_000,
      starvedMs: 1_000,
      samples: [
        { ...SAMPLE, fromMs: 2_031, toMs: 3_031 },
        { ...STARVED, fromMs: 3_031, toMs: 4_031 },
      ],
    },
  },
};

test('machine, engine, servers and settings, with what is unsafe of them', () => {
  expect(circumstances(report)).toEqual([
    ['started', '2026-11-23T13:22:54.120Z'],
    ['seed', '1234567'],
    ['platform', 'local, engine native'],
    ['machine', 'Linux 6.8.0 x64, 2 processors, 8 GiB of memory, load average 0.25 before the run'],
    [
      'while the load ran',
      'processors 70 % busy, 3.85 tasks running or waiting, 0 % stolen, starved for 1 s of 2 s; ' +
        "pgquake's main thread late by at most 12 ms",
    ],
    ['Docker', '27.1, linux/amd64'],
    ['servers', 'PostgreSQL 18.4'],
    [
      'settings',
      'fsync = off; max_connections = 300 on coordinator, max_connections = 600 on worker1, worker2, worker3, worker4; ' +
        'synchronous_commit = on on coordinator, worker1, worker3, worker4, synchronous_commit = off on worker2',
    ],
    ['unsafe', 'fsync = off on every node: a machine crash may corrupt the data; a killed server loses nothing'],
    ['unsafe', 'synchronous_commit = off on worker2: a killed server loses its last acknowledged writes'],
    ['load', "50 % of the scenario's rates (--fit)"],
    ['attempt', '2 of at most 3'],
  ]);
});

test('the report of an earlier version shows what it has', () => {
  expect(circumstances(passedReport).map(([name]) => name)).toEqual(['started', 'seed', 'platform', 'servers']);
});

test.each([
  ['report.md', markdown],
  ['report.html', htmlReport],
] as const)('%s has it before anything else', (file, reporter) => {
  const text = reporter.render(report)[file] as string;
  const at = text.indexOf('load average 0.25 before the run');
  expect(at).toBeGreaterThan(0);
  expect(at).toBeLessThan(text.search(/## Hypothesis|<h2[^>]*>Timeline/));
  expect(text).toContain('fsync = off on every node: a machine crash may corrupt the data');
});

test('the picture shows how busy the machine was, and when it was starved', () => {
  const picture = timeline.render(report)['timeline.svg'] as string;
  expect(picture.match(/<rect class="busy"[^>]*data-from-ms="2031"/)).not.toBeNull();
  expect(picture).toMatch(/<rect class="starved"[^>]*data-from-ms="3031"/);
  expect(picture).toContain('starved: 6.2 tasks for 2 processors');
  expect(timeline.render(passedReport)['timeline.svg']).not.toContain('class="starved"');
});
