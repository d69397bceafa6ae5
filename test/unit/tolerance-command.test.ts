/** `pgquake tolerance` as its users call it: what it prints, and what it says to bad input. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import yargs, { type CommandModule } from 'yargs';
import { toleranceCommand } from '../../src/cli/commands/tolerance.ts';
import { InputError } from '../../src/model/errors.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-tolerance-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns what was printed. */
async function run(...args: string[]): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => lines.push(String(line)));
  await yargs(['tolerance', ...args])
    .command({ command: 'tolerance', ...toleranceCommand } as unknown as CommandModule)
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new InputError(message, { code: 'usage' });
    })
    .parseAsync();
  return lines.join('\n');
}

async function refusal(...args: string[]): Promise<string> {
  const error = await run(...args).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message.replaceAll(folder, '');
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const RING = {
  workers: ['worker1', 'worker2', 'worker3', 'worker4'],
  shards: [
    { name: 'A', placements: ['worker1', 'worker2'] },
    { name: 'B', placements: ['worker2', 'worker3'] },
    { name: 'C', placements: ['worker3', 'worker4'] },
    { name: 'D', placements: ['worker1', 'worker4'] },
  ],
};

describe('what it prints', () => {
  test('text: the default cluster by the rule of the native engine', async () => {
    expect(await run()).toMatchInlineSnapshot(`
      "What survives: 4 workers, 4 shards, 2 copies of each, as a ring
        Rule native: a shard can be read and written while one of its placements is up.

      Reads and writes
        down  subsets  of them fatal   share  how    expected loss  worst case
           1        4              0     0 %  exact            0 %  nothing
           2        6              4  66.7 %  exact         16.7 %  1 shard: worker1 + worker2
           3        4              4   100 %  exact           50 %  2 shards: worker1 + worker2 + worker3
           4        1              1   100 %  exact          100 %  4 shards
        Smallest fatal sets: 4 of 2 workers:
        - worker1 + worker2: 1 shard, A
        - worker2 + worker3: 1 shard, B
        - worker3 + worker4: 1 shard, C
        - worker1 + worker4: 1 shard, D
        With every worker up 99.9 % of the time, independently: some shard is lost 0.0004 % of the time,
        2.1 min a year; of all shards 0.0001 % are lost on average.
        The coordinator adds to this: it is in the path of every statement and is down 0.1 % of the time,
        8.8 h a year.

      Layouts
        layout    copies  fatal sets         of    one cuts off    outage  load of a survivor
        as given       2           4  2 workers   up to 1 shard  0.0004 %               x 1.5
        random         2           4  2 workers   up to 1 shard  0.0004 %               x 1.5
        groups         2           2  2 workers  up to 2 shards  0.0002 %                 x 2
        ring           3           4  3 workers   up to 1 shard    4e-7 %              x 1.33
        - Disjoint groups: outages of reads 0.0002 % of the time instead of 0.0004 % (2 fatal pairs
          instead of 4 fatal pairs). The price: one of them cuts off up to 2 shards instead of 1, and with
          one worker down the busiest survivor serves 2 times its reads instead of 1.5 times.
        - The expected share of unreadable shards, 0.0001 %, is the same for all of them: layouts trade
          how often for how much.
        - One more copy of each shard (3, as a ring, 1.5 times the storage): outages of reads 4e-7 % of
          the time instead of 0.0004 %.

      How sure
        Every figure is exact. This assumes that nodes fail independently; a shared rack, host or rollout
        makes every figure worse."
    `);
  });

  test('text: by the rule of Citus reads and writes stand apart', async () => {
    const text = await run('--rule', 'citus', '--max-down', '2');
    expect(text).toMatch(/^Reads\n.*\n +1 +4 +0 +0 % +exact/m);
    expect(text).toMatch(/^Writes\n.*\n +1 +4 +4 +100 % +exact +62\.5 % +4 shards: worker1$/m);
    expect(text).toMatch(/a write needs all of them,\s+and\s+worker1\s+for\s+every\s+shard\./);
    expect(text).not.toMatch(/^ {5}3 /m);
  });

  test('a file, a report and a cluster may say which worker every write needs', async () => {
    const worst = async (path: string) =>
      JSON.parse(await run('--placement', path, '--rule', 'citus', '--output', 'json')).writes.rows[0].worst;
    const named = { ...RING, writesAlsoNeed: 'worker3' };
    expect(await worst(file('named.json', named))).toMatchObject({ partitions: 4, workers: ['worker3'] });
    const report = {
      topology: { workers: 4, engine: 'citus' },
      placement: RING.shards,
      timeline: [{ type: 'phase-started' }, { type: 'cluster-formed', placement: { writesAlsoNeed: 'worker2' } }],
    };
    expect(await worst(file('run.json', report))).toMatchObject({ partitions: 4, workers: ['worker2'] });
    expect(await refusal('--placement', file('odd.json', { ...RING, writesAlsoNeed: 'worker9' }))).toContain(
      '/odd.json: writesAlsoNeed: expected one of the workers (worker1, worker2, worker3, worker4), found "worker9"',
    );
  });

  test('JSON: a placement from a file, versioned, with decimal counts', async () => {
    const map = JSON.parse(await run('--placement', file('ring.json', RING), '--output', 'json'));
    expect(map).toMatchObject({ version: 2, rule: 'native', workers: 4, partitions: 4, nodeAvailability: 0.999 });
    expect(map.reads.rows[1]).toMatchObject({ down: 2, subsets: '6', fatal: { count: '4', method: 'exact' } });
    expect(map.reads.smallestFatal.sets[0]).toEqual({ workers: ['worker1', 'worker2'], cutsOff: 1, partitions: ['A'] });
  });

  test('Markdown: well-formed tables, and names cannot break them', async () => {
    const odd = JSON.parse(JSON.stringify(RING).replaceAll('worker1', 'a|b<c'));
    const text = await run('--placement', file('odd.json', odd), '--output', 'markdown');
    expect(text).not.toContain('a|b<c');
    expect(text).not.toContain('b<c');
    expect(text).toMatch(/^- a.+b.+c \+ worker2: 1 shard, A$/m);
    const tables = text.split('\n\n').filter((block) => block.startsWith('|'));
    expect(tables).toHaveLength(2);
    for (const table of tables) {
      const widths = table.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length);
      expect(widths.length).toBeGreaterThan(3);
      expect(new Set(widths).size).toBe(1);
    }
  });

  test('a run: its placement, and its engine as the rule', async () => {
    file('report.json', {
      version: 1,
      topology: { workers: 4, replication: 2, shards: 4, engine: 'citus', platform: 'docker', reason: '' },
      placement: RING.shards.map((shard, index) => ({ index, ...shard })),
    });
    for (const path of [folder, join(folder, 'report.json')]) {
      const map = JSON.parse(await run('--placement', path, '--output', 'json'));
      expect(map.rule).toBe('citus');
      expect(map.writes.rows[0].fatal.count).toBe('4');
    }
    expect(JSON.parse(await run('--placement', folder, '--rule', 'native', '--output', 'json')).rule).toBe('native');
  });

  test('a sampled line says that it is, with its interval', async () => {
    const text = await run('--workers', '60', '--shards', '900', '--layout', 'random');
    expect(text).toMatch(/^ +3 .* exact /m);
    expect(text).toMatch(/^ +5 .* about .* % to .* % +sampled /m);
    expect(text).toContain('random walks (seed 1)');
  });
});

describe('bad input', () => {
  test.each([
    [['--max-down', '5'], '--max-down: expected a whole number from 1 to 4, the number of workers, found 5'],
    [['--max-down', '0'], '--max-down: expected a whole number from 1 to 4, the number of workers, found 0'],
    [['--replication', '5'], '--replication: expected at most 4, the number of workers, found 5'],
    [['--workers', '0'], '--workers: expected a whole number from 1 to 10000, found 0'],
    [['--workers', 'many'], '--workers: expected a whole number from 1 to 10000, found NaN'],
    [['--shards', '1.5'], '--shards: expected a whole number from 1 to 1000000, found 1.5'],
    [
      ['--node-availability', '101%'],
      '--node-availability: expected a share from 0% to 100% such as 99.9%, found "101%"',
    ],
    [['--seed', '-1'], '--seed: expected a whole number from 0 to 4294967295, found -1'],
    [['--listed', '0'], '--listed: expected a whole number from 1 to 1000, found 0'],
    [['--placement', '/no/such/file.json'], '--placement: cannot read /no/such/file.json: there is no such file'],
  ])('%j', async (args, message) => {
    expect(await refusal(...args)).toContain(message);
  });

  test('all of it at once', async () => {
    expect(await refusal('--workers', '0', '--shards', '0')).toBe(
      '--workers: expected a whole number from 1 to 10000, found 0\n' +
        '--shards: expected a whole number from 1 to 1000000, found 0',
    );
  });

  test('a placement together with a topology', async () => {
    expect(await refusal('--placement', 'x.json', '--workers', '4')).toContain('mutually exclusive');
  });

  test('a cluster that stands, together with a topology, or to be proven on', async () => {
    expect(await refusal('--attach', 'citus', '--workers', '4')).toContain('mutually exclusive');
    expect(await refusal('--attach', 'citus', '--placement', 'x.json')).toContain('mutually exclusive');
    expect(await refusal('--layout', 'groups', '--prove')).toBe('--prove uses only placements that an engine creates');
  });

  test.each<[string, unknown, string]>([
    ['not JSON', '{ "workers": [', '/p.json: not JSON: '],
    ['no object', '[]', '/p.json: '],
    ['no workers', { workers: [], shards: RING.shards }, '/p.json: workers: expected at least one worker, found none'],
    ['no shards', { workers: ['a'], shards: [] }, '/p.json: shards: expected at least one shard, found none'],
    ['no list of shards', { workers: ['a'] }, '/p.json: shards: expected a list of shards'],
    [
      'a shard without placements',
      { workers: ['a'], shards: [{ name: 'A', placements: [] }] },
      '/p.json: shards[0].placements: expected at least one worker, found none',
    ],
    [
      'an unknown node',
      { ...RING, shards: [{ name: 'A', placements: ['worker1', 'wroker2'] }] },
      '/p.json: shards[0].placements[1]: expected one of the workers (worker1, worker2, worker3, worker4), found "wroker2"; did you mean "worker2"?',
    ],
    [
      'a worker named twice',
      { workers: ['a', 'a'], shards: [{ name: 'A', placements: ['a'] }] },
      '/p.json: workers[1]: expected each name once, found "a" again (first at workers[0])',
    ],
    [
      'a shard named twice',
      { workers: ['a'], shards: [1, 2].map(() => ({ name: 'A', placements: ['a'] })) },
      '/p.json: shards[1].name: expected each name once, found "A" again (first at shards[0].name)',
    ],
    [
      'two placements on one worker',
      { workers: ['a'], shards: [{ name: 'A', placements: ['a', 'a'] }] },
      '/p.json: shards[0].placements[1]: expected each name once, found "a" again (first at shards[0].placements[0])',
    ],
    [
      'a wrong type',
      { workers: ['a'], shards: [{ name: 7, placements: 'a' }] },
      '/p.json: shards[0].name: expected the name of a shard, found 7\n/p.json: shards[0].placements: expected a list of workers, found "a"',
    ],
    [
      'a report with a worker that it does not have',
      { topology: { workers: 1 }, placement: [{ name: 'A', placements: ['worker2'] }] },
      '/p.json: placement[0].placements[0]: expected one of the workers (worker1), found "worker2"',
    ],
  ])('a file: %s', async (_, content, message) => {
    expect(await refusal('--placement', file('p.json', content))).toContain(message);
  });

  test('of very many problems the first ten, and how many more', async () => {
    const shards = Array.from({ length: 500 }, (_, i) => ({ name: `S${i}`, placements: ['nobody'] }));
    const lines = (await refusal('--placement', file('p.json', { workers: ['a'], shards }))).split('\n');
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe('and 490 more');
  });
});
