/** The shipped scenarios on the embedded cluster, from the command line to the reports. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => {
  place[Symbol.dispose]();
});

describe('one-worker', () => {
  test('passes: all 500 messages stay readable, and nothing is left behind', async () => {
    const { code, stdout, stderr } = await place.runJudged(['one-worker']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/PASS/);

    const report = place.report();
    expect(report.judgement).toBe('pass');
    expect(report.results.filter((result) => !result.always).map((result) => result.check)).toEqual([
      'messages-readable',
      'availability',
      'no-lost-writes',
      'recovery-time',
      'replicas-agree',
    ]);
    const effect = report.timeline.find((event) => event.type === 'fault-in-effect');
    expect(effect).toMatchObject({ proof: expect.stringMatching(/worker1: .*SQL refused \(ECONNREFUSED\)/) });
    expect(report.ledger.acknowledged).toBeGreaterThan(400);
    expect(report.ledger.lost.count).toBe(0);

    const files = readdirSync(join(place.reports, 'latest'));
    expect(files).toEqual(
      expect.arrayContaining([
        'events.ndjson',
        'logs',
        'operations.arrow',
        'plan.json',
        'report.json',
        'report.md',
        'run.json',
        'scenario.yaml',
        'undo.ndjson',
      ]),
    );
    expect(place.leftovers()).toEqual([]);
  });
});

describe('one-worker-kill', () => {
  test('passes', async () => {
    const { code, stderr } = await place.runJudged(['one-worker-kill']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(place.leftovers()).toEqual([]);
  });
});

describe('three-workers', () => {
  test('A and D stay readable, B and C do not, as observed; all is readable again and nothing is lost', async () => {
    const { code, stderr } = await place.runJudged(['three-workers']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { figures, ledger } = place.report();
    const observed = figures.shards.map((shard) => ({
      shard: shard.shard,
      messages: shard.messages > 0,
      tried: shard.read.intended > 0,
      readable: shard.readableMessages,
    }));
    const messagesOf = (name: string) => figures.shards.find((shard) => shard.shard === name)?.messages;
    expect(observed).toEqual([
      { shard: 'A', messages: true, tried: true, readable: messagesOf('A') },
      { shard: 'B', messages: true, tried: true, readable: 0 },
      { shard: 'C', messages: true, tried: true, readable: 0 },
      { shard: 'D', messages: true, tried: true, readable: messagesOf('D') },
    ]);
    expect(ledger).toMatchObject({ lost: { count: 0 }, finalReads: true });
    expect(place.leftovers()).toEqual([]);
  });

  test('a wrong hypothesis fails with exit 1 and names the messages that were unreadable', async () => {
    const file = place.scenario(
      'too-hopeful',
      `name: too-hopeful
summary: Three workers stop and everything stays readable, they say.
cluster: { workers: 4, replication: 2, shards: 4 }
workload: { use: chat, read: { rate: 200/s } }
steady-state: { for: 1s }
faults:
  - { fault: node-stop, target: [worker2, worker3, worker4], at: 0s, for: 2s }
hypothesis:
  - { check: messages-readable, during: fault, min: 500 }
`,
    );
    const { code, stdout } = await place.runJudged([file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/shard B \(worker2, worker3\)/);
    expect(stdout).toMatch(/shard C \(worker3, worker4\)/);
    expect(stdout).not.toMatch(/shard [AD] \(/);
    expect(stdout).toMatch(/messages 0:\d+/);
    const [result] = place.report().results;
    expect(result).toMatchObject({ check: 'messages-readable', judgement: 'fail' });
  });
});

describe('frozen-worker', () => {
  test('passes', async () => {
    const { code, stderr } = await place.runJudged(['frozen-worker']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const effect = place.report().timeline.find((event) => event.type === 'fault-in-effect');
    expect(effect).toMatchObject({ proof: expect.stringMatching(/SQL unanswered/) });
    expect(place.leftovers()).toEqual([]);
  });
});

describe('control', () => {
  test('without faults there is nothing to find', async () => {
    const { code, stderr } = await place.runJudged(['control']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { figures, ledger } = place.report();
    expect(figures.availability.length).toBeGreaterThan(0);
    for (const { figures: counts } of figures.availability) expect(counts.ok).toBe(counts.intended);
    expect(figures.windows.filter((window) => window.type === 'outage')).toEqual([]);
    expect(figures.errors).toEqual([]);
    expect(ledger).toMatchObject({ lost: { count: 0 }, staleReads: { count: 0 }, duplicated: { count: 0 } });
  });
});

describe('a stored run', () => {
  test('is judged again without a cluster, with the same verdict', async () => {
    await place.runJudged(['control', '--seed', '7']);
    const before = place.report();
    const { code, stdout } = await place.start(['judge', join(place.reports, 'latest')]).ended;
    expect({ code, judgement: before.judgement }).toEqual({ code: 0, judgement: 'pass' });
    expect(stdout).toMatch(/PASS/);
    expect(place.report()).toEqual(before);
  });

  test('a damaged one is refused with its place, and never passes', async () => {
    const { code, stderr } = await place.start(['judge', place.folder]).ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/run\.json: not a readable run/);
  });
});

describe('interrupting', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s heals, removes the cluster, reports, and exits with 130',
    async (signal) => {
      const child = place.startRun(['one-worker']);
      await new Promise<void>((struck) => {
        child.stdout?.on('data', (text: string) => {
          if (text.includes('in effect')) struck();
        });
      });
      child.kill(signal);
      const { code, stdout } = await child.ended;
      expect(code).toBe(130);
      expect(stdout).toMatch(/UNKNOWN/);
      expect(place.report().timeline.map((event) => event.type)).toEqual(
        expect.arrayContaining(['interrupted', 'healed']),
      );
      expect(place.leftovers()).toEqual([]);
    },
  );

  test('is what it is when the reader of the output goes away, too', async () => {
    const child = place.startRun(['one-worker']);
    await new Promise<void>((struck) => {
      child.stdout?.on('data', (text: string) => {
        if (text.includes('in effect')) struck();
      });
    });
    child.stdout?.destroy();
    expect((await child.ended).code).toBe(130);
    expect(place.report().timeline.map((event) => event.type)).toEqual(
      expect.arrayContaining(['interrupted', 'healed']),
    );
    expect(place.leftovers()).toEqual([]);
  });

  test('before anything runs it leaves nothing either', async () => {
    const child = place.startRun(['one-worker']);
    await new Promise<void>((started) => child.stdout?.once('data', () => started()));
    child.kill('SIGINT');
    expect((await child.ended).code).toBe(130);
    expect(place.leftovers()).toEqual([]);
  });
});

describe('bad input starts nothing', () => {
  test.each([
    ['an unknown scenario', ['one-wroker'], 3, /did you mean.*one-worker/s],
    ['an unknown option', ['one-worker', '--sed', '1'], 3, /sed/],
    ['an impossible seed', ['one-worker', '--seed', '-1'], 3, /--seed: expected a whole number/],
    ['no scenario', [], 3, /no scenario named/],
  ] as const)('%s', async (_name, args, expected, message) => {
    const { code, stderr } = await place.run([...args]);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
    expect(existsSync(place.reports)).toBe(false);
    expect(place.leftovers()).toEqual([]);
  });

  test('every error of a scenario at once, with its place', async () => {
    const file = place.scenario(
      'broken',
      `name: broken
sumary: misspelt
cluster: { workers: 2, replication: 3 }
faults:
  - { fault: node-stop, target: worker9, at: 0s, for: 8 sec }
hypothesis:
  - { check: messages-readable }
`,
    );
    const { code, stderr } = await place.run([file]);
    expect(code).toBe(3);
    for (const line of [
      /broken\.yaml:2:1 .*summary/,
      /broken\.yaml:3:\d+ .*replication/,
      /broken\.yaml:5:\d+ .*worker9/,
      /broken\.yaml:5:\d+ .*"8 sec"/,
    ]) {
      expect(stderr).toMatch(line);
    }
    expect(existsSync(place.reports)).toBe(false);
  });
});

describe('a machine that cannot do it', () => {
  test('a reports folder that is a file: exit 4 and what to do', async () => {
    const { code, stderr } = await place.start([
      'control',
      '--platform',
      'local',
      '--reports',
      place.scenario('file', ''),
    ]).ended;
    expect(code).toBe(4);
    expect(stderr).toMatch(/--reports/);
    expect(place.leftovers()).toEqual([]);
  });

  test('missing binaries: exit 4 and what to do', async () => {
    const { code, stderr } = await place.run(['control'], { PGQUAKE_POSTGRES_BIN: join(place.folder, 'nowhere') });
    expect(code).toBe(4);
    expect(stderr).toMatch(/PGQUAKE_POSTGRES_BIN/);
  });

  test('a temporary folder that cannot be used: exit 4 and what to do', async () => {
    const { code, stderr } = await place.run(['control'], { TMPDIR: place.scenario('not-a-folder', '') });
    expect(code).toBe(4);
    expect(stderr).toMatch(/TMPDIR/);
  });
});

test('a report in Markdown stands beside the one in JSON', async () => {
  await place.runJudged(['control']);
  const markdown = readFileSync(join(place.reports, 'latest', 'report.md'), 'utf8');
  expect(markdown).toMatch(/^# /);
  expect(markdown).toContain('messages-readable');
});
