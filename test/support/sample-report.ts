/** Reports for the tests of reporters: one that passes, one that fails in every way, one that never got anywhere. */

import type { NodeInfo, TimedEvent } from '../../src/model/event.ts';
import type { Availability, Latency, ServiceWindow, Span } from '../../src/model/figures.ts';
import type { OperationKind, RunInfo } from '../../src/model/history.ts';
import { type LedgerFigures, REPORT_VERSION, type Report } from '../../src/model/report.ts';
import type { CheckResult } from '../../src/model/verdict.ts';
import { ring, sharded } from './sharded.ts';

const TOPOLOGY = sharded({ workers: 4, replication: 2, partitions: 4 });
const PLACEMENT = ring(TOPOLOGY);
const PARTITION_OF_KEY = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i + 1, i % 4]));

const KINDS: readonly OperationKind[] = [
  { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 200, deadlineMs: 2_000 },
  { name: 'scan', access: 'read', scope: 'all', ratePerSecond: 5, deadlineMs: 2_000 },
  { name: 'write', access: 'write', scope: 'partition', ratePerSecond: 50, deadlineMs: 2_000 },
];

const NODES: readonly NodeInfo[] = ['coordinator', 'worker1', 'worker2', 'worker3', 'worker4'].map((name, i) => ({
  name,
  role: i === 0 ? 'coordinator' : 'worker',
  address: `127.0.0.1:${40_001 + i}`,
  version: 'PostgreSQL 18.4',
}));

const RUN: RunInfo = {
  id: '2026-11-23T13-22-54Z-one-worker',
  scenario: 'one-worker',
  summary: 'One worker stops; every message stays readable.',
  claim: 'Can survive 1 worker failure with zero data loss',
  seed: 1_234_567,
  startedAt: '2026-11-23T13:22:54.120Z',
  pgquakeVersion: '0.1.0',
  nodeVersion: 'v24.21.0',
  kinds: KINDS,
  probes: [],
  messages: 500,
  plannedActs: 1,
  again: 'npm run chaos -- scenarios/one-worker.yaml --seed 1234567',
};

function availability(intended: number, not: Partial<Availability> = {}): Availability {
  const { fail = 0, unknown = 0, unsent = 0 } = not;
  const ok = intended - fail - unknown;
  return { intended, ok, fail, unknown, unsent, share: intended === 0 ? null : ok / intended };
}

function latency(count: number, p50Ms: number, p90Ms: number, p99Ms: number, p999Ms: number, maxMs: number): Latency {
  return { count, p50Ms, p90Ms, p99Ms, p999Ms, p9999Ms: maxMs, maxMs };
}

const ofKind = <F>(kind: string, span: Span, figures: F) => ({ kind, span, figures });

function always(check: string, observed: string, expected: string): CheckResult {
  return { check, params: {}, always: true, judgement: 'pass', expected, observed, evidence: [] };
}

const ALWAYS: readonly CheckResult[] = [
  always('no-duplicates', 'no row twice in 2,871 reads', 'no row twice in any read'),
  always('content-intact', 'every row of 2,871 reads intact', 'no row with wrong content in any read'),
  always('fault-took-effect', '1 of 1 in effect', '1 planned fault in effect, with proof'),
  always('healed', '1 fault healed', 'every fault undone, and its nodes seen to work again'),
  always(
    'load-kept-its-schedule',
    '0 of 3,315 not sent, lateness p99 1.9 ms and at most 7.2 ms, load thread late by at most 18 ms',
    'at most 1 % (10 % of a kind) not sent, p99 lateness at most 50 ms, load thread at most 1 s late',
  ),
];

const PROOF = 'worker1: postmaster 4711 and its 9 other processes are gone (exit code 0), SQL refused (ECONNREFUSED)';

const BEFORE_FAULT: readonly TimedEvent[] = [
  {
    at: 0.1,
    type: 'platform-chosen',
    platform: 'local',
    engine: 'native',
    reason: 'it needs nothing but Node.js',
  },
  { at: 0.2, type: 'phase-started', phase: 'provision' },
  { at: 871.4, type: 'phase-ended', phase: 'provision' },
  { at: 871.5, type: 'phase-started', phase: 'form' },
  {
    at: 1_984.9,
    type: 'cluster-formed',
    platform: 'local',
    engine: 'native',
    reason: 'it needs nothing but Node.js',
    nodes: NODES,
    placement: { partitions: PLACEMENT, partitionOfKey: PARTITION_OF_KEY },
  },
  { at: 1_985, type: 'phase-ended', phase: 'form' },
];

const STEADY: readonly TimedEvent[] = [
  { at: 2_031, type: 'phase-started', phase: 'steady-state' },
  { at: 4_032, type: 'phase-ended', phase: 'steady-state' },
  { at: 4_032.1, type: 'phase-started', phase: 'fault' },
];

/** A run that passes: reads go on, writes to worker1's partitions fail for 233 ms. */
export const passedReport: Report = {
  version: REPORT_VERSION,
  run: RUN,
  judgement: 'pass',
  finding:
    'All 500 messages stayed readable; writes failed for 240 ms; recovered 241 ms after the fault took effect; ' +
    'no acknowledged write was lost.',
  results: [
    {
      check: 'messages-readable',
      params: { during: 'fault', min: 500 },
      always: false,
      place: 'scenarios/one-worker.yaml:16',
      judgement: 'pass',
      expected: 'at least 500 messages readable during the fault',
      observed: '500 of 500 messages readable',
      evidence: [],
    },
    {
      check: 'availability',
      answers: 'availability',
      params: { of: 'read', during: 'fault', min: '99%' },
      always: false,
      place: 'scenarios/one-worker.yaml:17',
      judgement: 'pass',
      expected: 'at least 99 % of read operations ok in the fault span',
      observed: '99.812 %: 1,597 of 1,600 ok',
      evidence: ['3 × fail, 08006: connection to worker1 lost'],
    },
    {
      check: 'no-lost-writes',
      answers: 'loss',
      params: {},
      always: false,
      place: 'scenarios/one-worker.yaml:18',
      judgement: 'pass',
      expected: 'every acknowledged write and every initial message found by the final reads',
      observed: 'all 637 acknowledged writes and 500 initial messages found',
      evidence: ['1 write ended unknown; 1 of them found'],
    },
    {
      check: 'recovery-time',
      answers: 'outage',
      params: { of: 'write', max: '10s' },
      always: false,
      place: 'scenarios/one-worker.yaml:19',
      judgement: 'pass',
      expected: 'writes are normal within 10 s of the fault taking effect',
      observed: '241 ms ± 20 ms',
      evidence: ['outage of write, 4.102 s to 4.342 s: 240 ms ± 20 ms, 12 failed'],
    },
    {
      check: 'replicas-agree',
      params: {},
      always: false,
      place: 'scenarios/one-worker.yaml:20',
      judgement: 'pass',
      expected: 'every placement of a shard holds the same messages, each once and intact',
      observed: 'all 8 placements of 4 shards agree, 104 ms after the load stopped',
      evidence: [],
    },
    ...ALWAYS,
  ],
  topology: { ...TOPOLOGY, platform: 'local', engine: 'native', reason: 'it needs nothing but Node.js' },
  nodes: NODES,
  placement: PLACEMENT,
  acts: [{ index: 0, fault: 'node-stop', targets: ['worker1'], atMs: 0, forMs: 8_000, params: {} }],
  durationMs: 16_204.331_249,
  timeline: [
    ...BEFORE_FAULT,
    {
      at: 1_986.2,
      type: 'predicted',
      down: ['worker1'],
      partitions: PLACEMENT.map(({ name }) => ({ partition: name, readable: true, writable: true })),
    },
    ...STEADY,
    {
      at: 4_033.4,
      type: 'fault-asked',
      act: 0,
      fault: 'node-stop',
      targets: ['worker1'],
      effect: 'down',
      state: 'stopped',
    },
    { at: 4_129.8, type: 'fault-in-effect', act: 0, proof: PROOF },
    { at: 12_130.1, type: 'heal-asked', act: 0 },
    {
      at: 12_411.9,
      type: 'healed',
      act: 0,
      proof: 'worker1: postmaster 4802 and 8 other processes are running, accepts SQL',
    },
    { at: 12_412, type: 'phase-ended', phase: 'fault' },
    { at: 12_412.1, type: 'phase-started', phase: 'settle' },
    {
      at: 15_020,
      type: 'load-kept',
      intended: 3_315,
      unsent: 0,
      latenessP99Ms: 1.9,
      latenessMaxMs: 7.2,
      eventLoopDelayMaxMs: 18,
    },
    { at: 15_124, type: 'replicas-compared', agree: true, waitedMs: 104 },
    { at: 15_124.2, type: 'phase-ended', phase: 'settle' },
    { at: 15_124.3, type: 'phase-started', phase: 'final-reads' },
    { at: 15_302, type: 'phase-ended', phase: 'final-reads' },
    { at: 15_302.1, type: 'phase-started', phase: 'dispose' },
    { at: 16_204.3, type: 'phase-ended', phase: 'dispose' },
  ],
  figures: {
    spans: {
      'steady-state': { fromMs: 2_031, toMs: 4_033.4 },
      fault: { fromMs: 4_033.4, toMs: 12_130.1 },
      settle: { fromMs: 12_130.1, toMs: 15_020 },
    },
    fullEffect: { fromMs: 4_129.8, toMs: 12_130.1 },
    availability: [
      ofKind('read', 'steady-state', availability(400)),
      ofKind('read', 'fault', availability(1_600, { fail: 3 })),
      ofKind('read', 'settle', availability(578)),
      ofKind('scan', 'steady-state', availability(10)),
      ofKind('scan', 'fault', availability(41)),
      ofKind('scan', 'settle', availability(14)),
      ofKind('write', 'steady-state', availability(100)),
      ofKind('write', 'fault', availability(405, { fail: 11, unknown: 1 })),
      ofKind('write', 'settle', availability(145)),
    ],
    latency: [
      ofKind('read', 'steady-state', latency(400, 1.1, 1.6, 3.4, 6.1, 6.1)),
      ofKind('read', 'fault', latency(1_597, 1.2, 1.9, 9.7, 88.2, 121.4)),
      ofKind('read', 'settle', latency(578, 1.1, 1.7, 4.2, 14.9, 14.9)),
      ofKind('scan', 'steady-state', latency(10, 8.2, 11.3, 12.4, 12.4, 12.4)),
      ofKind('scan', 'fault', latency(41, 9.1, 14.8, 127.6, 127.6, 127.6)),
      ofKind('scan', 'settle', latency(14, 8.4, 12, 13.1, 13.1, 13.1)),
      ofKind('write', 'steady-state', latency(100, 2.3, 3.1, 5.8, 7.2, 7.2)),
      ofKind('write', 'fault', latency(393, 2.4, 3.6, 61, 97.3, 97.3)),
      ofKind('write', 'settle', latency(145, 2.3, 3.2, 6.4, 9.9, 9.9)),
    ],
    probes: [
      {
        kind: 'probe-connect',
        span: 'fault',
        tried: 40,
        ok: 20,
        latency: { count: 20, p50Ms: 6, p90Ms: 8, p99Ms: 30_012, p999Ms: 30_233, p9999Ms: 30_233, maxMs: 30_233 },
      },
      { kind: 'probe-write', span: 'fault', tried: 80, ok: 0, latency: null },
    ],
    windows: [
      {
        type: 'outage',
        kind: 'write',
        seenBy: 'load',
        fromMs: 4_102,
        toMs: 4_342,
        durationMs: 240,
        uncertaintyMs: 20,
        ok: 0,
        failed: 12,
      },
      {
        type: 'brownout',
        kind: 'read',
        partition: 'A',
        seenBy: 'load',
        fromMs: 4_101,
        toMs: 4_321,
        durationMs: 220,
        uncertaintyMs: 20,
        ok: 8,
        failed: 3,
      },
    ],
    recovery: [
      { kind: 'read', recoveryMs: 0, uncertaintyMs: 5, firstSuccessMs: 0, firstSuccessUncertaintyMs: 5 },
      { kind: 'scan', recoveryMs: 0, uncertaintyMs: 200, firstSuccessMs: 0, firstSuccessUncertaintyMs: 200 },
      { kind: 'write', recoveryMs: 241, uncertaintyMs: 20, firstSuccessMs: 220, firstSuccessUncertaintyMs: 20 },
    ],
    partitions: PLACEMENT.map(({ name, copies }, i) => ({
      partition: name,
      copies,
      messages: 125,
      readableMessages: 125,
      predictedReadable: true,
      predictedWritable: true,
      read: availability(400, i === 0 ? { fail: 3 } : {}),
      write: availability(100, i === 0 ? { fail: 6, unknown: 1 } : i === 3 ? { fail: 5 } : {}),
    })),
    errors: [
      {
        kind: 'write',
        outcome: 'fail',
        code: '08001',
        text: 'could not connect to server "s_a": connection refused',
        count: 11,
        firstAtMs: 4_103.2,
        lastAtMs: 4_338.1,
      },
      {
        kind: 'read',
        outcome: 'fail',
        code: '08006',
        text: 'connection to worker1 lost',
        count: 3,
        firstAtMs: 4_101.9,
        lastAtMs: 4_119.4,
      },
      {
        kind: 'write',
        outcome: 'unknown',
        code: 'ECONNRESET',
        text: 'read ECONNRESET',
        count: 1,
        firstAtMs: 4_104,
        lastAtMs: 4_104,
      },
    ],
    seconds: [
      { second: 2, kind: 'read', ok: 194, failed: 0, p50Ms: 1.1, p99Ms: 3.4, maxMs: 6.1 },
      { second: 2, kind: 'write', ok: 48, failed: 0, p50Ms: 2.3, p99Ms: 5.8, maxMs: 7.2 },
      { second: 4, kind: 'read', ok: 197, failed: 3, p50Ms: 1.2, p99Ms: 88.2, maxMs: 121.4 },
      { second: 4, kind: 'write', ok: 38, failed: 12, p50Ms: 2.4, p99Ms: 61, maxMs: 97.3 },
    ],
  },
  ledger: {
    written: 650,
    acknowledged: 638,
    unknown: 1,
    unknownPresent: 1,
    lost: { count: 0, witnesses: [] },
    staleReads: { count: 0, witnesses: [] },
    duplicated: { count: 0, witnesses: [] },
    corrupted: { count: 0, witnesses: [] },
    finalReads: true,
  },
};

const STRUCK = ['worker2', 'worker3', 'worker4'];

function outage(kind: string, partition: string | undefined, failed: number): ServiceWindow {
  return {
    type: 'outage',
    kind,
    ...(partition === undefined ? {} : { partition }),
    seenBy: 'load',
    fromMs: 4_110,
    toMs: 12_390,
    durationMs: 8_280,
    uncertaintyMs: partition === undefined ? 200 : 40,
    ok: 0,
    failed,
  };
}

const FAILED_LEDGER: LedgerFigures = {
  written: 650,
  acknowledged: 421,
  unknown: 14,
  unknownPresent: 5,
  unknownAbsent: 8,
  lost: {
    count: 2,
    witnesses: ['1:207', '1:211'],
    sql: ['SELECT seq, body FROM messages WHERE (writer, seq) IN ((1, 207), (1, 211)); -- on coordinator'],
  },
  hidden: { count: 0, witnesses: [] },
  receded: { count: 1, witnesses: ['1:300'] },
  resurrected: { count: 0, witnesses: [] },
  unexpected: { count: 1, witnesses: ['9:9'] },
  divergent: { count: 12, witnesses: ['1:190', '1:191'] },
  staleForMs: 1_234.5,
  readYourWrites: { count: 3, witnesses: ['1:190'] },
  monotonicReads: { count: 0, witnesses: [] },
  staleReads: { count: 37, witnesses: ['1:190', '1:204', '1:207'] },
  duplicated: { count: 1, witnesses: ['0:17'] },
  corrupted: { count: 1, witnesses: ['0:411'] },
  finalReads: true,
};

/** A run whose hypothesis is wrong: three workers stop, and everything was to stay readable. */
export const failedReport: Report = {
  ...passedReport,
  run: {
    ...RUN,
    id: '2026-11-23T13-25-11Z-too-hopeful',
    scenario: 'too-hopeful',
    summary: 'Three workers stop; every message stays readable, they say.',
    claim: 'Any 3 of 4 workers can fail',
    again: 'npm run chaos -- scenarios/too-hopeful.yaml --seed 1234567',
  },
  judgement: 'fail',
  finding:
    'Messages-readable failed: 250 of 500 messages readable (expected: at least 500 messages readable during the ' +
    'fault), and 3 more checks; only 250 of 500 messages stayed readable (shards A and D); scans failed for 8.28 s; ' +
    'scans had not recovered when the load stopped; 2 messages were lost.',
  results: [
    {
      check: 'messages-readable',
      params: { during: 'fault', min: 500 },
      always: false,
      place: 'scenarios/too-hopeful.yaml:9',
      judgement: 'fail',
      expected: 'at least 500 messages readable during the fault',
      observed: '250 of 500 messages readable',
      evidence: [
        'shard B (worker2, worker3): none of 125 messages readable: rooms 2, 6, 10, 14, 18, 22, 26, 30 and 17 more',
        'shard C (worker3, worker4): none of 125 messages readable: rooms 3, 7, 11, 15, 19, 23, 27, 31 and 17 more',
      ],
    },
    {
      check: 'no-lost-writes',
      answers: 'loss',
      params: {},
      always: false,
      place: 'scenarios/too-hopeful.yaml:10',
      judgement: 'fail',
      expected: 'every acknowledged write and every initial message found by the final reads',
      observed: '2 of 421 acknowledged writes lost',
      evidence: [
        '1:207 lost: room 6, shard B, acknowledged at 4.098 s',
        '1:211 lost: room 10, shard B, acknowledged at 4.117 s',
      ],
    },
    {
      check: 'availability',
      answers: 'availability',
      params: { of: 'read', during: 'settle', min: '99%' },
      always: false,
      place: 'scenarios/too-hopeful.yaml:11',
      judgement: 'unknown',
      expected: 'at least 99 % of read operations ok in the settle span',
      observed: 'no read was intended in the settle span',
      evidence: [],
    },
    ...ALWAYS.filter(({ check }) => check !== 'healed'),
    {
      check: 'healed',
      params: {},
      always: true,
      judgement: 'unknown',
      expected: 'every fault undone, and its nodes seen to work again',
      observed: 'NOT HEALED: node-stop on worker2, worker3, worker4',
      evidence: ['node-stop on worker2, worker3, worker4: worker3 does not accept SQL: ECONNREFUSED'],
    },
  ],
  acts: [{ index: 0, fault: 'node-stop', targets: STRUCK, atMs: 0, forMs: 8_000, params: {} }],
  timeline: [
    ...BEFORE_FAULT,
    {
      at: 1_986.2,
      type: 'predicted',
      down: STRUCK,
      partitions: PLACEMENT.map(({ name }) => ({
        partition: name,
        readable: name === 'A' || name === 'D',
        writable: name === 'A' || name === 'D',
      })),
    },
    ...STEADY,
    { at: 4_033.4, type: 'fault-asked', act: 0, fault: 'node-stop', targets: STRUCK, effect: 'down', state: 'stopped' },
    {
      at: 4_229.8,
      type: 'fault-in-effect',
      act: 0,
      proof: STRUCK.map(
        (name, i) => `${name}: postmaster ${4_712 + i} and its 9 other processes are gone, SQL refused (ECONNREFUSED)`,
      ).join('; '),
    },
    { at: 12_230.1, type: 'heal-asked', act: 0 },
    { at: 16_231, type: 'heal-failed', act: 0, error: 'worker3 does not accept SQL: ECONNREFUSED' },
    { at: 16_231.1, type: 'phase-started', phase: 'settle' },
    { at: 16_400, type: 'replicas-compared', agree: false, waitedMs: 30_000 },
    {
      at: 16_400.05,
      type: 'repair',
      away: STRUCK,
      commands: ['-- worker2 first', "SELECT citus_disable_node('worker2', 5432);"],
    },
    { at: 16_400.1, type: 'phase-started', phase: 'final-reads' },
    { at: 16_500, type: 'final-read-failed', source: 'worker3/B', error: 'connect ECONNREFUSED 127.0.0.1:40004' },
  ],
  figures: {
    ...passedReport.figures,
    windows: [
      outage('scan', undefined, 41),
      outage('read', 'B', 404),
      outage('read', 'C', 403),
      outage('write', 'B', 101),
      outage('write', 'C', 101),
    ],
    recovery: [
      { kind: 'read', recoveryMs: 8_281.3, uncertaintyMs: 5, firstSuccessMs: 7_902, firstSuccessUncertaintyMs: 5 },
      { kind: 'scan', recoveryMs: null, uncertaintyMs: 200, firstSuccessMs: null, firstSuccessUncertaintyMs: 200 },
    ],
    partitions: PLACEMENT.map(({ name, copies }) => {
      const lives = name === 'A' || name === 'D';
      return {
        partition: name,
        copies,
        messages: 125,
        readableMessages: lives ? 125 : 0,
        predictedReadable: lives,
        predictedWritable: lives,
        read: availability(400, lives ? {} : { fail: 400 }),
        write:
          name === 'D' ? availability(100, { fail: 98, unknown: 2 }) : availability(100, lives ? {} : { fail: 97 }),
      };
    }),
  },
  ledger: FAILED_LEDGER,
};

/** A run that ended before there was a cluster. */
export const emptyReport: Report = {
  version: REPORT_VERSION,
  run: { ...RUN, id: '2026-11-23T13-30-00Z-one-worker' },
  judgement: 'unknown',
  finding: 'Could not judge: run-completed: the run failed: worker2 did not start: no space left on device.',
  results: [
    {
      check: 'run-completed',
      params: {},
      always: true,
      judgement: 'unknown',
      expected: 'the run goes to its end',
      observed: 'the run failed: worker2 did not start: no space left on device',
      evidence: [],
    },
  ],
  topology: { ...TOPOLOGY, platform: undefined, engine: undefined, reason: 'the cluster was never formed' },
  nodes: [],
  placement: PLACEMENT,
  acts: [{ index: 0, fault: 'node-stop', targets: ['worker1'], atMs: 0, forMs: 8_000, params: {} }],
  durationMs: 412,
  timeline: [
    { at: 0.2, type: 'phase-started', phase: 'provision' },
    { at: 410, type: 'phase-ended', phase: 'provision' },
    { at: 412, type: 'run-failed', error: 'worker2 did not start: no space left on device' },
  ],
  figures: {
    spans: {},
    availability: [],
    latency: [],
    probes: [],
    windows: [],
    recovery: [],
    partitions: [],
    errors: [],
    seconds: [],
  },
  ledger: {
    written: 0,
    acknowledged: 0,
    unknown: 0,
    unknownPresent: 0,
    lost: { count: 0, witnesses: [] },
    staleReads: { count: 0, witnesses: [] },
    duplicated: { count: 0, witnesses: [] },
    corrupted: { count: 0, witnesses: [] },
    finalReads: false,
  },
};

/** What a server or a scenario may say to whom it wants to harm. */
export const HOSTILE =
  '| `x` <script>alert(1)</script>\n# heading\u001b[31mred\u0000nul\u202eltr ![i](http://evil.example/a.png) $x$';

/** The report that passes, with hostile text wherever servers, scenarios or the system have a say. */
export const hostileReport: Report = {
  ...failedReport,
  run: { ...failedReport.run, scenario: HOSTILE, summary: HOSTILE, claim: HOSTILE, again: `run ${HOSTILE}` },
  finding: HOSTILE,
  results: failedReport.results.map((result) => ({
    ...result,
    expected: HOSTILE,
    observed: HOSTILE,
    evidence: [HOSTILE],
  })),
  topology: { ...failedReport.topology, reason: HOSTILE },
  nodes: failedReport.nodes.map((node) => ({ ...node, version: HOSTILE })),
  timeline: failedReport.timeline.map((event) => ({
    ...event,
    ...('proof' in event ? { proof: HOSTILE } : {}),
    ...('error' in event ? { error: HOSTILE } : {}),
    ...('reason' in event ? { reason: HOSTILE } : {}),
    ...('commands' in event ? { commands: [HOSTILE, '```\n# out of the block'] } : {}),
  })) as TimedEvent[],
  figures: {
    ...failedReport.figures,
    errors: failedReport.figures.errors.map((group) => ({ ...group, code: HOSTILE, text: HOSTILE })),
  },
  ledger: {
    ...(failedReport.ledger as LedgerFigures),
    lost: { count: 1, witnesses: [HOSTILE], sql: [`SELECT 1; -- ${HOSTILE}`] },
  },
};
