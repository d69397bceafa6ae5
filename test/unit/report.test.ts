import { describe, expect, test } from 'vitest';
import { availability } from '../../src/checks/availability.ts';
import type { Check } from '../../src/checks/check.ts';
import { contentIntact } from '../../src/checks/content-intact.ts';
import { faultTookEffect } from '../../src/checks/fault-took-effect.ts';
import { healed } from '../../src/checks/healed.ts';
import { messagesReadable } from '../../src/checks/messages-readable.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { storageOverhead } from '../../src/checks/storage-overhead.ts';
import { judge } from '../../src/judge.ts';
import type { History, Operation } from '../../src/model/history.ts';
import type { Plan } from '../../src/model/plan.ts';
import { buildReport, findingSentence } from '../../src/report.ts';
import { markdown } from '../../src/reporters/markdown.ts';
import { control, oneWorker, threeWorkers } from '../histories/runs.ts';
import { buildHistory, changing, KINDS, REFUSED, timesOf } from '../support/history-builder.ts';
import { ring, sharded } from '../support/sharded.ts';

const checks: readonly Check[] = [
  storageOverhead,
  messagesReadable,
  noLostWrites,
  availability,
  faultTookEffect,
  healed,
  contentIntact,
];
const place = { file: 'scenarios/written.yaml', line: 20, column: 5 };
const { effectMs } = timesOf();

function verdictOn(history: History, hypothesis: Readonly<Record<string, object>> = { 'messages-readable': {} }) {
  const items = Object.entries(hypothesis).map(([name, written]) => {
    const params = checks.find((check) => check.name === name)?.params.parse(written) as Record<string, unknown>;
    return { check: name, params, written: written as Record<string, unknown>, place };
  });
  return judge(history, items, checks);
}

const finding = (history: History, hypothesis?: Readonly<Record<string, object>>) =>
  findingSentence(history, verdictOn(history, hypothesis));

describe('the finding', () => {
  test('of a run without faults', () => {
    expect(finding(control())).toBe(
      'All 40 messages stayed readable; service was never interrupted; no acknowledged write was lost.',
    );
  });

  test('begins with what was measured for the hypothesis', () => {
    const history = buildHistory({
      acts: [],
      partitions: 1,
      replication: 1,
      events: (events) => [
        ...events,
        {
          at: 9_000,
          type: 'storage',
          oneCopyBytes: 1_000,
          copies: [{ partition: 'A', node: 'worker1', bytes: 2_000 }],
        },
      ],
    });
    expect(finding(history, { 'storage-overhead': { max: 2 } })).toMatch(
      /^2 times one copy: 2 KiB in 1 placement, 1,000 bytes as one copy; all 40 messages stayed readable; /,
    );
  });

  test('of a fault that stopped writes', () => {
    expect(finding(oneWorker())).toBe(
      'All 40 messages stayed readable; writes failed for 4.1 s; recovered 4.11 s after the fault took effect, ' +
        '105 ms after healing began; no acknowledged write was lost.',
    );
  });

  test('of a fault that takes shards away as expected', () => {
    expect(finding(threeWorkers(), { 'messages-readable': { max: 20 } })).toMatch(
      /^20 of 40 messages stayed readable \(shards A and D\); reads failed on shards B and C for up to 4\.[34]\d* s, scans failed for 4\.[34]\d* s and writes failed on shards B and C for up to 4\.[34]\d* s; scans recovered last, 4\.3\d* s after the fault took effect, 3\d\d ms after healing began; no acknowledged write was lost\.$/,
    );
  });

  test('does not count messages as gone that no read asked for', () => {
    const reads = KINDS.filter(({ name }) => name === 'read').map((kind) => ({ ...kind, ratePerSecond: 1 }));
    expect(finding(buildHistory({ kinds: reads }), { 'content-intact': {} })).toMatch(
      /^20 of 40 messages were asked for, and all of them stayed readable;/,
    );
  });

  test('names the shard that was gone, not one that was gone for a moment', () => {
    const history = buildHistory({
      answer: ({ kind, partition, intendedAt }: Operation) => {
        const sinceMs = intendedAt - effectMs;
        const gone =
          kind === 'read' &&
          sinceMs >= 0 &&
          ((partition === 1 && sinceMs < 3_000) || (partition === 3 && sinceMs < 100));
        return gone ? REFUSED : undefined;
      },
    });
    expect(finding(history)).toMatch(/; reads failed on shard B for \d[\d.]* s; recovered /);
  });

  test('names the brownout that outlasts what failed', () => {
    const history = buildHistory({
      answer: ({ kind, partition, intendedAt }: Operation) => {
        const sinceMs = intendedAt - effectMs;
        if (kind !== 'read' || sinceMs < 0) return undefined;
        if (partition === 3 && sinceMs < 1_000) return REFUSED;
        return sinceMs < 3_500 ? { settledAt: intendedAt + 300 } : undefined;
      },
    });
    expect(finding(history)).toMatch(/; reads failed on shard D for 1 s \(and were disturbed for 3\.\d+ s\); /);
  });

  test('says that probes and load disagree', () => {
    const history = buildHistory({
      probe: () => undefined,
      answer: ({ kind, intendedAt }: Operation) =>
        kind !== 'scan' && intendedAt >= effectMs && intendedAt < effectMs + 3_000 ? REFUSED : undefined,
    });
    expect(finding(history, { 'no-lost-writes': {} })).toMatch(
      /reads failed for 3 s and writes failed for 3 s; the probes saw a shorter disturbance of reads and writes than the load; /,
    );
  });

  test('of a refuted hypothesis', () => {
    expect(finding(threeWorkers())).toMatch(
      /^Not as expected: messages-readable: 20 of 40 messages readable, 20 asked for and not answered on shards B, C \(expected: all 40 messages readable during the fault\); reads /,
    );
  });

  test('of service that does not come back, and lost data', () => {
    const history = buildHistory({
      answer: ({ kind, intendedAt }: Operation) => (kind === 'write' && intendedAt >= effectMs ? REFUSED : undefined),
      finalKeys: ({ coordinator, placements }) => {
        for (const keys of [coordinator, ...placements.values()]) keys.delete('1:5');
      },
    });
    expect(finding(history, { 'no-lost-writes': {} })).toMatch(
      /^Not as expected: no-lost-writes: 1 of 10\d acknowledged writes lost \(expected: .+\); all 40 messages stayed readable; writes failed for 7\.\d+ s; writes had not recovered when the load stopped; 1 message was lost\.$/,
    );
  });

  test('of a run that could not be judged', () => {
    expect(finding(buildHistory({ events: changing('fault-in-effect', () => undefined) }))).toBe(
      'Could not judge: messages-readable: no fault was in full effect, and 1 more check.',
    );
    const interrupted = buildHistory({
      events: (events) => [
        ...events.filter(({ at }) => at < 4_000),
        { at: 4_000, type: 'interrupted', reason: 'Ctrl-C' },
      ],
    });
    expect(finding(interrupted)).toMatch(/^Could not judge: run-completed: interrupted: Ctrl-C/);
  });

  test('names the kind of operation, if several checks differ only in it', () => {
    const history = buildHistory({
      answer: ({ kind, intendedAt }) => (kind === 'write' && intendedAt > effectMs ? REFUSED : undefined),
    });
    expect(finding(history, { availability: { of: 'write', during: 'fault', min: '99%' } })).toMatch(
      /^Not as expected: availability of write: /,
    );
  });

  test('of corrupted rows', () => {
    let first = true;
    const history = buildHistory({
      answer: ({ kind }) => {
        if (kind !== 'scan' || !first) return undefined;
        first = false;
        return { anomaly: { corrupted: ['0:1', '0:2'], duplicated: ['0:3'], missing: ['1:1'] } };
      },
    });
    expect(finding(history)).toMatch(
      /^Not as expected: content-intact: 2 rows with wrong content .+; 2 rows came back corrupted; 1 row came back twice; 1 read left out messages\.$/,
    );
  });
});

describe('the report', () => {
  const plan: Plan = {
    scenario: {
      name: 'written',
      summary: 'A written history.',
      file: 'scenarios/written.yaml',
      source: '',
      cluster: { ...sharded({ workers: 4, replication: 2, partitions: 4 }), platform: 'auto', engine: 'auto' },
      workload: { use: 'chat', params: {} },
      steadyStateMs: 2_000,
      faults: [],
      settleWithinMs: 30_000,
      hypothesis: [],
    },
    seed: 1,
    acts: [{ index: 0, fault: 'node-stop', targets: ['worker1'], atMs: 0, forMs: 4_000, params: {} }],
    placement: ring({ workers: 4, replication: 2, partitions: 4 }),
    blastRadius: { nodes: ['worker1'], partitions: ['A', 'D'], ofActs: [['A', 'D']] },
  };

  test('survives JSON, and has everything but the large reads', () => {
    const history = oneWorker();
    const report = buildReport(history, plan, verdictOn(history));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.topology).toEqual({
      ...sharded({ workers: 4, replication: 2, partitions: 4 }),
      platform: 'local',
      engine: 'native',
      reason: 'it needs nothing but Node.js',
    });
    expect(report.results.map(({ check }) => check)).toContain('healed');
    const types = new Set(report.timeline.map(({ type }) => type));
    expect(types.has('final-read') || types.has('placement-read')).toBe(false);
    expect(types.has('fault-in-effect') && types.has('replicas-compared')).toBe(true);
    expect(report.durationMs).toBe(history.events.at(-1)?.at);
    expect(report.ledger?.lost.count).toBe(0);
  });

  test('says which cluster a run attached to', () => {
    const history = buildHistory();
    const attached = { ...plan, scenario: { ...plan.scenario, cluster: { ...plan.scenario.cluster, attach: 'chat' } } };
    const report = buildReport(history, attached, verdictOn(history));
    expect(report.topology).toMatchObject({ attach: 'chat' });
    const [markdownText] = Object.values(markdown.render(report));
    expect(markdownText).toContain('attached to `chat`, which existed before the run and still does.');
    expect(markdownText).toContain('checking the servers of the cluster chat');
    expect(markdownText).toContain('detaching from the cluster chat, which keeps running');
    expect(markdownText).not.toMatch(/starting \d+ servers|stopping and removing/);
  });

  test('of a run that failed before the cluster was formed has the planned placement and no figures', () => {
    const history = buildHistory({
      events: () => [
        { at: 0, type: 'phase-started', phase: 'provision' },
        { at: 80, type: 'run-failed', error: 'no PostgreSQL binaries' },
      ],
      answer: () => ({ outcome: 'unsent' }),
    });
    const report = buildReport(history, plan, verdictOn(history));
    expect(report).toMatchObject({
      judgement: 'unknown',
      placement: plan.placement,
      nodes: [],
      topology: { platform: undefined, engine: undefined, reason: 'the cluster was never formed' },
      figures: { spans: {}, partitions: [], windows: [], recovery: [] },
      ledger: { finalReads: false },
    });
    expect(report.finding).toMatch(/^Could not judge: run-completed: the run failed: no PostgreSQL binaries/);
  });
});
