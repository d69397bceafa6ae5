import { describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { listed, nearest, suggestion } from '../../src/model/nearest.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { describeProblem, hopelessChecks, ScenarioError } from '../../src/scenario/problems.ts';
import { sharded } from '../support/sharded.ts';

const parse = (text: string, file = 'mine.yaml') => parseScenario(text, file, vocabulary);

/** The lines of the message, without the file's name. */
function problems(text: string, file = 'mine.yaml'): string[] {
  try {
    parse(text, file);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${file}:`, ''));
  }
  return [];
}

/** A valid scenario with some sections replaced or, with `null`, left out. */
function withSections(sections: Readonly<Record<string, string | null>>): string {
  const all: Record<string, string | null> = {
    name: 'mine',
    summary: 'Mine.',
    hypothesis: '[{ check: no-lost-writes }]',
    ...sections,
  };
  return Object.entries(all)
    .flatMap(([key, value]) => (value === null ? [] : [`${key}: ${value}\n`]))
    .join('');
}

const withFault = (step: string) => problems(withSections({ faults: `\n  - ${step}` }));
const withCheck = (item: string) => problems(withSections({ hypothesis: `\n  - ${item}` }));

describe('a valid scenario', () => {
  test('gets its defaults', () => {
    const { source, hypothesis, workload, ...rest } = parse(withSections({}));
    expect(rest).toEqual({
      name: 'mine',
      summary: 'Mine.',
      file: 'mine.yaml',
      cluster: { ...sharded({ workers: 4, replication: 2, partitions: 4 }), platform: 'auto', engine: 'auto' },
      probes: { ratePerSecond: 50, deadlineMs: 2_000 },
      steadyStateMs: 2_000,
      faults: [],
      settleWithinMs: 30_000,
    });
    expect(source).toBe(withSections({}));
    expect(workload).toMatchObject({
      use: 'chat',
      params: { rooms: 100, read: { rate: 200, deadline: 2_000 } },
    });
    expect(hypothesis).toEqual([
      { check: 'no-lost-writes', params: {}, written: {}, place: { file: 'mine.yaml', line: 3, column: 14 } },
    ]);
  });

  test('is named after its file, unless it has a name', () => {
    expect(parse(withSections({ name: null }), 'some/where/one-more.yaml').name).toBe('one-more');
    expect(parse(withSections({ name: 'other' })).name).toBe('other');
    expect(problems(withSections({ name: null }), 'My Test.yaml')).toEqual([
      `1:1 missing key "name": the file's name "My Test" is not in kebab-case`,
    ]);
  });

  test('may take keys from an anchor by a merge key', () => {
    const faults = '\n  - &stop { fault: node-stop, target: [worker1], for: 5s }\n  - { <<: *stop, at: 10s, for: 6s }';
    const steps = parse(withSections({ faults })).faults;
    expect(steps.map(({ fault, atMs, forMs }) => [fault, atMs, forMs])).toEqual([
      ['node-stop', 0, 5_000],
      ['node-stop', 10_000, 6_000],
    ]);
  });

  test('can switch probes off', () => {
    expect(parse(withSections({ probes: 'off' })).probes).toBeUndefined();
    expect(() => parse(withSections({ probes: 'of' }))).toThrow(/probes: expected a mapping/);
  });

  test('has numbers for written quantities, and keeps the written hypothesis', () => {
    const scenario = parse(`
name: mine
summary: Mine.
claim: It works.
cluster: { workers: 6, replication: 3, shards: 12, platform: docker, engine: citus }
workload: { use: chat, rooms: 10, write: { rate: 30/m } }
steady-state: { for: 1500ms }
faults:
  - { fault: node-stop, target: worker6, at: 1m, for: 8s }
  - fault: node-pause
    target: { role: worker, pick: 2 }
    for: 1h
settle: { within: 2m }
hypothesis:
  - { check: availability, of: read, min: 99.9% }
seed: 42
`);
    expect(scenario).toMatchObject({
      claim: 'It works.',
      cluster: { ...sharded({ workers: 6, replication: 3, partitions: 12 }), platform: 'docker', engine: 'citus' },
      workload: { params: { rooms: 10, write: { rate: 0.5, deadline: 2_000 } } },
      steadyStateMs: 1_500,
      settleWithinMs: 120_000,
      seed: 42,
      hypothesis: [
        {
          check: 'availability',
          params: { of: 'read', during: 'fault', min: expect.closeTo(0.999) },
          written: { of: 'read', min: '99.9%' },
        },
      ],
    });
    expect(scenario.faults).toEqual([
      {
        fault: 'node-stop',
        target: { nodes: ['worker6'] },
        atMs: 60_000,
        forMs: 8_000,
        params: {},
        place: { file: 'mine.yaml', line: 9, column: 5 },
      },
      {
        fault: 'node-pause',
        target: { role: 'worker', pick: 2 },
        atMs: 0,
        forMs: 3_600_000,
        params: {},
        place: { file: 'mine.yaml', line: 10, column: 5 },
      },
    ]);
  });

  test('may use a limited number of anchors', () => {
    const text = withSections({ workload: '{ read: &load { rate: 10/s, deadline: 1s }, scan: *load, write: *load }' });
    expect(parse(text).workload.params).toMatchObject({ write: { rate: 10, deadline: 1_000 } });
  });
});

test('all problems are reported at once, in order, each with its place, what was expected and found', () => {
  const text = `name: mine
sumary: misspelt
cluster: { workers: 2, replication: 3, shard: 3 }
workload: { use: chta, read: { rate: 200 } }
steady-state: 3s
faults:
  - { fault: node-stop, target: worker9, at: 0s, for: 8 sec }
  - { fault: node-stpo, target: [worker1, worker1, woker2, 3], fro: 8s }
  - node-stop
  - { fault: node-stop, target: { role: woker, pick: 0 }, for: 0s }
settle: { within: 30 }
hypothesis:
  - { check: messages-readable, during: falt, shards: { readable: [A], unreadabel: [B] } }
  - { check: availability, of: read, min: 99 }
  - {}
seed: -1
`;
  expect(`\n${problems(text).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    2:1 unknown key "sumary"; did you mean "summary"?
    3:37 cluster.replication: 3 copies of every shard need 3 workers, and there are 2
    3:40 cluster: unknown key "shard"; did you mean "shards"?
    4:18 workload.use: there is no workload "chta"; did you mean "chat"?
    5:15 steady-state: expected a mapping, found "3s"
    7:33 faults[0].target: there is no node "worker9"; the cluster has coordinator, worker1 and worker2
    7:55 faults[0].for: expected a duration such as 8s or 500ms, found "8 sec"
    8:5 faults[1]: missing key "for": expected a duration such as 8s or 500ms
    8:14 faults[1].fault: there is no fault "node-stpo"; did you mean "node-stop"?
    8:43 faults[1].target[1]: "worker1" is named twice
    8:52 faults[1].target[2]: there is no node "woker2"; did you mean "worker2"?
    8:60 faults[1].target[3]: expected the name of a node such as worker1, found 3
    9:5 faults[2]: expected a mapping such as { fault: node-stop, target: worker1, for: 8s }, found "node-stop"
    10:41 faults[3].target.role: expected worker, found "woker"; did you mean "worker"?
    10:54 faults[3].target.pick: expected at least 1, found 0
    10:64 faults[3].for: expected a duration from 1ms to 24h, found "0s"
    11:19 settle.within: expected a duration such as 8s or 500ms, found 30
    13:41 hypothesis[0].during: expected one of steady-state, fault, settle, found "falt"; did you mean "fault"?
    13:72 hypothesis[0].shards: unknown key "unreadabel"; did you mean "unreadable"?
    14:43 hypothesis[1].min: expected a percentage with %, from 0% to 100%, such as 99% or 99.9%, found 99
    15:5 hypothesis[2]: missing key "check"; known: messages-readable, availability, outage, recovery-time, latency, no-lost-writes, lost-writes, failover-time, split-brain, within-promise, rejoined, no-leftovers, no-stale-reads, session-guarantees, no-duplicates, content-intact, no-unexpected-rows, replicas-agree, prediction, workers-serve and 6 more
    16:7 seed: expected at least 0, found -1
    "
  `);
});

describe('YAML', () => {
  test.each([
    ['nothing', '', ['1:1 the file is empty; expected a scenario']],
    ['a comment', '# later\n', ['1:1 the file is empty; expected a scenario']],
    ['text', 'hello', ['1:1 expected a mapping with name, summary, faults and hypothesis, found "hello"']],
    ['a list', '- name: x', ['1:1 expected a mapping with name, summary, faults and hypothesis, found [{"name":"x"}]']],
    ['a tab', 'name: mine\nsettle:\n\twithin: 1s', ['3:1 not valid YAML: Tabs are not allowed as indentation']],
    [
      'an open bracket',
      'faults: [1',
      ['1:11 not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'a slip that makes the parser lose its place',
      'faults: }\nname: "mine"\nsummary: x\n',
      ['1:9 not valid YAML: Unexpected flow-map-end token in YAML stream: "}"'],
    ],
    [
      'two slips',
      'name: "mi\\qne"\nfaults: [1\nsummary: x\n',
      [
        '1:10 not valid YAML: Invalid escape sequence \\q',
        '3:1 not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
      ],
    ],
    [
      'two documents',
      `${withSections({})}---\nname: other\n`,
      ['4:1 expected one scenario, found a second YAML document'],
    ],
    ['a list as a key', '? [a]\n: 1\n', ['1:3 expected a word as the key']],
    ['an alias of nothing', 'name: *other\n', ['1:7 not valid YAML: no anchor "other" before this alias']],
    ['an anchor within itself', 'name: &a [*a]\n', ['1:11 not valid YAML: the anchor "a" contains itself']],
    ['many aliases', `name: &a x\nfaults: [${'*a, '.repeat(101)}]`, ['2:410 not valid YAML: more than 100 aliases']],
    [
      'aliases that multiply',
      `a: &a [${'x,'.repeat(9)}]\n${['b', 'c', 'd', 'e'].map((k, i) => `${k}: &${k} [${`*${'abcd'[i]},`.repeat(9)}]`).join('\n')}`,
      ['1:1 not valid YAML: its aliases multiply to too many values'],
    ],
    ['a file too large', `#${' '.repeat(1_000_000)}`, ['1:1 the file has 1000001 bytes; the limit is 1000000']],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  test.each(['[', '{ a: ', '- ', '? '])('%s nested too deeply is refused, not crashed on', (opening) => {
    expect(problems(opening.repeat(20_000))[0]).toMatch(/^1:\d+ not valid YAML: it is nested too deeply$/);
  });

  test('a duplicate key does not hide other problems', () => {
    const text = `${withSections({ seed: '1' })}seed: 2\ncluster: { workers: 0, workers: 3 }\n`;
    expect(problems(text)).toEqual([
      '5:1 the key "seed" appears twice, first in line 4',
      '6:24 the key "workers" appears twice, first in line 6',
    ]);
  });

  test('an unknown tag', () => {
    expect(problems(withSections({ summary: '!shout Mine.' }))).toEqual(['2:10 Unresolved tag: !shout']);
  });

  test('names of JavaScript properties are unknown keys like any other', () => {
    expect(problems(withSections({ __proto__: '1', constructor: '{}' }))).toEqual([
      expect.stringMatching(/^4:1 unknown key "constructor"/),
    ]);
    expect(problems(`${withSections({})}__proto__: {}\n`)).toEqual([
      expect.stringMatching(/^4:1 unknown key "__proto__"/),
    ]);
    expect(problems(withSections({ cluster: '{ toString: 1 }' }))).toEqual([
      expect.stringMatching(/^4:12 cluster: unknown key "toString"/),
    ]);
  });

  test('found values are quoted on one line, shortened, without terminal escapes', () => {
    expect(problems(withSections({ summary: '"a\\e[2Jb"' }))).toEqual([
      '2:10 summary: expected a sentence on one line, found "a\\u001b[2Jb"',
    ]);
    expect(problems(withSections({ seed: `[${'x,'.repeat(500)}]` }))[0]).toMatch(
      /^4:7 seed: expected a number, found .{61}$/,
    );
    expect(problems(`${withSections({})}? "a\\nb"\n: 1`)[0]).toMatch(/^4:3 unknown key "a\\nb"; known: name, /);
  });

  test('50 problems are shown, and all are kept', () => {
    const text = withSections({}) + Array.from({ length: 60 }, (_, i) => `key${i}: 1\n`).join('');
    const lines = problems(text);
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe('and 10 more');
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({ problems: expect.objectContaining({ length: 60 }) }),
    );
  });
});

describe('sections', () => {
  test.each([
    ['no hypothesis', { hypothesis: null }, '1:1 missing key "hypothesis": without a check there is nothing to judge'],
    [
      'an empty hypothesis',
      { hypothesis: '[]' },
      '3:13 hypothesis: expected at least one check, found an empty list: there is nothing to judge',
    ],
    [
      'a name that is not kebab-case',
      { name: 'My_Test' },
      '1:7 name: expected a name in kebab-case such as one-worker, found "My_Test"',
    ],
    ['a leading zero', { cluster: '{ workers: 010 }' }, '4:21 expected a number without a leading zero, found 010'],
    ['an empty summary', { summary: '""' }, '2:10 summary: expected a sentence on one line, found ""'],
    ['a summary that is no text', { summary: '5' }, '2:10 summary: expected text, found 5'],
    ['faults without a list', { faults: '' }, '4:9 faults: expected a list, found null'],
    [
      'faults as a mapping',
      { faults: '{ fault: node-stop }' },
      '4:9 faults: expected a list, found {"fault":"node-stop"}',
    ],
    ['workers as text', { cluster: '{ workers: four }' }, '4:21 cluster.workers: expected a number, found "four"'],
    ['half a worker', { cluster: '{ workers: 2.5 }' }, '4:21 cluster.workers: expected a whole number, found 2.5'],
    ['too many workers', { cluster: '{ workers: 65 }' }, '4:21 cluster.workers: expected at most 64, found 65'],
    ['too many shards', { cluster: '{ shards: 2000 }' }, '4:20 cluster.shards: expected at most 1024, found 2000'],
    [
      'an unknown platform',
      { cluster: '{ platform: dokcer }' },
      '4:22 cluster.platform: expected one of auto, docker, local, found "dokcer"; did you mean "docker"?',
    ],
    [
      'an unknown engine',
      { cluster: '{ engine: mysql }' },
      '4:20 cluster.engine: expected one of auto, citus, native, streaming, patroni, found "mysql"',
    ],
    [
      'an unknown workload',
      { workload: '{ use: caht }' },
      '4:18 workload.use: there is no workload "caht"; did you mean "chat"?',
    ],
    [
      'a parameter of the workload',
      { workload: '{ read: { rat: 5/s } }' },
      '4:21 workload.read: unknown key "rat"; did you mean "rate"?',
    ],
    [
      'a rate of the workload',
      { workload: '{ read: { rate: 200 } }' },
      '4:27 workload.read.rate: expected a rate such as 200/s or 30/m, found 200',
    ],
    [
      'a workload that is a word',
      { workload: 'chat' },
      '4:11 workload: expected a mapping such as { use: chat }, found "chat"',
    ],
    [
      'steady-state without its key',
      { 'steady-state': '{}' },
      '4:15 steady-state: missing key "for": expected a duration such as 8s or 500ms',
    ],
    [
      'settle in the wrong unit',
      { settle: '{ within: 30 }' },
      '4:19 settle.within: expected a duration such as 8s or 500ms, found 30',
    ],
    ['a seed too large', { seed: '4294967296' }, '4:7 seed: expected at most 4294967295, found 4294967296'],
  ])('%s', (_, sections, expected) => {
    expect(problems(withSections(sections))).toEqual([expected]);
  });
});

describe('topology', () => {
  test('more copies than workers', () => {
    expect(problems(withSections({ cluster: '{ workers: 2, replication: 3 }' }))).toEqual([
      '4:37 cluster.replication: 3 copies of every shard need 3 workers, and there are 2',
    ]);
    expect(problems(withSections({ cluster: '{ workers: 1 }' }))).toEqual([
      '4:10 cluster: 2 copies of every shard need 2 workers, and there is 1',
    ]);
  });

  test('is checked even if another key is wrong', () => {
    expect(problems(withSections({ cluster: '{ workers: 2, replication: 3, shrads: 1, engine: x }' }))).toEqual([
      '4:37 cluster.replication: 3 copies of every shard need 3 workers, and there are 2',
      expect.stringMatching(/^4:40 cluster: unknown key "shrads"/),
      expect.stringMatching(/^4:59 cluster.engine: /),
    ]);
  });

  test('a misspelt key causes no further problems', () => {
    const faults = '[{ fault: node-stop, target: worker7, for: 1s }]';
    expect(problems(withSections({ cluster: '{ worker: 8 }', faults }))).toEqual([
      '4:12 cluster: unknown key "worker"; did you mean "workers"?',
    ]);
    expect(problems(withSections({ cluster: '{ workers: 2, shard: 1 }', faults }))).toHaveLength(2);
  });
});

describe('faults', () => {
  test.each([
    [
      'an unknown fault',
      '{ fault: node-sotp, target: worker1, for: 1s }',
      ['5:14 faults[0].fault: there is no fault "node-sotp"; did you mean "node-stop"?'],
    ],
    [
      'no word at all',
      '{ target: worker1, for: 1s }',
      [`5:5 faults[0]: missing key "fault"; ${listed(vocabulary.faults.map(({ name }) => name))}`],
    ],
    [
      'a key that no fault has',
      '{ fault: node-stop, target: worker1, for: 1s, hard: true }',
      ['5:51 faults[0]: unknown key "hard"; known: fault, target, at, for, repeat, at-jitter'],
    ],
    [
      'a misspelt key',
      '{ fault: node-stop, target: worker1, fro: 1s }',
      // It is also missing; that would be the same mistake twice.
      ['5:42 faults[0]: unknown key "fro"; did you mean "for"?'],
    ],
    [
      'a misspelt key and another that is missing',
      '{ fault: node-stop, tagret: worker1 }',
      [
        '5:5 faults[0]: missing key "for": expected a duration such as 8s or 500ms',
        '5:25 faults[0]: unknown key "tagret"; did you mean "target"?',
      ],
    ],
    [
      'no duration',
      '{ fault: node-stop, target: worker1 }',
      ['5:5 faults[0]: missing key "for": expected a duration such as 8s or 500ms'],
    ],
    [
      'a wrong unit',
      '{ fault: node-stop, target: worker1, at: 1, for: 8 sec }',
      [
        '5:46 faults[0].at: expected a duration such as 8s or 500ms, found 1',
        '5:54 faults[0].for: expected a duration such as 8s or 500ms, found "8 sec"',
      ],
    ],
    [
      'no target',
      '{ fault: node-stop, for: 1s }',
      ['5:5 faults[0]: missing key "target": expected a node, a list of nodes, or { role: worker, pick: 1 }'],
    ],
    [
      'an empty target',
      '{ fault: node-stop, target: , for: 1s }',
      ['5:33 faults[0].target: expected the name of a node such as worker1, found null'],
    ],
    [
      'an empty list of targets',
      '{ fault: node-stop, target: [], for: 1s }',
      ['5:33 faults[0].target: expected at least one node, found an empty list'],
    ],
    [
      'a node that is not there',
      '{ fault: node-stop, target: worker9, for: 1s }',
      ['5:33 faults[0].target: there is no node "worker9"; the cluster has coordinator and worker1 to worker4'],
    ],
    [
      'a misspelt node',
      '{ fault: node-stop, target: [woker1, cordinator], for: 1s }',
      [
        '5:34 faults[0].target[0]: there is no node "woker1"; did you mean "worker1"?',
        '5:42 faults[0].target[1]: there is no node "cordinator"; did you mean "coordinator"?',
      ],
    ],
    [
      'a node named twice',
      '{ fault: node-stop, target: [worker1, worker2, worker1], for: 1s }',
      ['5:52 faults[0].target[2]: "worker1" is named twice'],
    ],
    [
      'more picks than workers',
      '{ fault: node-stop, target: { role: worker, pick: 5 }, for: 1s }',
      ['5:55 faults[0].target.pick: cannot pick 5 of 4 workers'],
    ],
    [
      'an unknown role',
      '{ fault: node-stop, target: { role: workers, pick: 1 }, for: 1s }',
      ['5:41 faults[0].target.role: expected worker, found "workers"; did you mean "worker"?'],
    ],
    [
      'an unknown selector',
      '{ fault: node-stop, target: { role: worker, picks: 1 }, for: 1s }',
      ['5:49 faults[0].target: unknown key "picks"; did you mean "pick"?'],
    ],
    [
      'a word',
      'node-stop',
      ['5:5 faults[0]: expected a mapping such as { fault: node-stop, target: worker1, for: 8s }, found "node-stop"'],
    ],
  ])('%s', (_, step, expected) => {
    expect(withFault(step)).toEqual(expected);
  });

  test.each([
    ['holds-shard-of: room 101', '5:51', 'holds-shard-of: there is no room 101; the workload has rooms 1 to 100'],
    ['holds-shard-of: shard E', '5:51', 'holds-shard-of: there is no shard E; the cluster has shards A to D'],
    [
      'holds-shard-of: worker1',
      '5:51',
      'holds-shard-of: expected a room or a shard such as "room 42" or "shard A", found "worker1"',
    ],
    ['holds-shard-of: room 1, pick: 3', '5:65', 'pick: cannot pick 3 of the 2 workers that qualify'],
    ['not-holding: room 1, pick: 3', '5:62', 'pick: cannot pick 3 of the 2 workers that qualify'],
    [
      'not-holding: room 1, pick: 0%',
      '5:62',
      'pick: expected how many: a number from 1 to 64, or a share such as 50%, found "0%"',
    ],
    [
      'role: worker, pick: 101%',
      '5:55',
      'pick: expected how many: a number from 1 to 64, or a share such as 50%, found "101%"',
    ],
    ['pick: fatal-pear', '5:41', 'pick: expected fatal-pair, found "fatal-pear"; did you mean "fatal-pair"?'],
  ])('a selector { %s }', (selector, place, problem) => {
    expect(withFault(`{ fault: node-stop, target: { ${selector} }, for: 1s }`)).toEqual([
      `${place} faults[0].target.${problem}`,
    ]);
  });

  test('a selector that needs a larger cluster', () => {
    const inCluster = (cluster: string, selector: string) =>
      problems(
        withSections({ cluster, faults: `\n  - { fault: node-stop, target: { ${selector} }, for: 1s }`, claim: null }),
      );
    expect(inCluster('{ workers: 3, replication: 3 }', 'pick: fatal-pair')).toEqual([
      '6:41 faults[0].target.pick: no pair of workers is fatal: every shard has 3 copies',
    ]);
    expect(inCluster('{ workers: 1, replication: 1 }', 'pick: fatal-pair')).toEqual([
      '6:41 faults[0].target.pick: no pair of workers is fatal: there is 1 worker',
    ]);
    expect(inCluster('{ workers: 2, replication: 2 }', 'not-holding: room 1')).toEqual([
      '6:48 faults[0].target.not-holding: every worker holds a copy of every shard',
    ]);
  });

  test.each([
    ['repeat: 3', '5:59 faults[0].repeat: expected a mapping, found 3'],
    ['repeat: { times: 2 }', '5:59 faults[0].repeat: missing key "every": expected a duration such as 8s or 500ms'],
    ['repeat: { times: 0, every: 9s }', '5:68 faults[0].repeat.times: expected at least 1, found 0'],
    ['repeat: { times: 101, every: 9s }', '5:68 faults[0].repeat.times: expected at most 100, found 101'],
    ['repeat: { times: 2, every: 9 }', '5:78 faults[0].repeat.every: expected a duration such as 8s or 500ms, found 9'],
    [
      'repeat: { times: 2, every: 1s }',
      '5:5 faults[0]: worker1 would be struck again before it is healed: repeat.every must be longer',
    ],
    [
      'at-jitter: 1s, repeat: { times: 2, every: 2s }',
      '5:5 faults[0]: worker1 would be struck again before it is healed: repeat.every must be longer',
    ],
    ['at-jitter: soon', '5:62 faults[0].at-jitter: expected a duration such as 8s or 500ms, found "soon"'],
  ])('a repetition { %s }', (keys, problem) => {
    expect(withFault(`{ fault: node-stop, target: worker1, for: 1s, ${keys} }`)).toEqual([problem]);
  });

  test('too many strikes', () => {
    const step = '{ fault: backend-kill, target: worker1, repeat: { times: 100, every: 9s } }';
    expect(problems(withSections({ faults: `[${Array(11).fill(step).join(', ')}]` }))).toEqual([
      '4:9 faults: expected at most 1000 strikes of all faults together, found 1100',
    ]);
  });

  test('two faults that may overlap only by jitter', () => {
    expect(two('target: worker2, at-jitter: 2s, for: 8s', 'target: worker2, at: 9s, for: 8s')).toHaveLength(1);
    expect(two('target: worker2, at-jitter: 2s, for: 8s', 'target: worker2, at: 11s, for: 8s')).toEqual([]);
  });

  const two = (first: string, second: string) =>
    problems(withSections({ faults: `\n  - { fault: node-stop, ${first} }\n  - { fault: node-kill, ${second} }` }));

  test('two faults on one node at once', () => {
    const expected = ['6:5 faults[1]: worker2 is already struck by node-stop of line 5, which must be healed first'];
    expect(two('target: [worker1, worker2], for: 8s', 'target: [worker2, worker3], at: 4s, for: 8s')).toEqual(expected);
    // Without time to heal in between.
    expect(two('target: worker2, for: 8s', 'target: worker2, at: 8s, for: 8s')).toEqual(expected);
    expect(two('target: worker2, for: 8s', 'target: worker2, at: 10s, for: 8s')).toEqual([]);
    expect(two('target: worker2, for: 8s', 'target: worker3, for: 8s')).toEqual([]);
  });

  test('a pick whose nodes are all struck already', () => {
    const pick = (n: number, at = '0s') =>
      two('target: [worker1, worker2], for: 8s', `target: { role: worker, pick: ${n} }, at: ${at}, for: 1s`);
    expect(pick(2)).toEqual([]);
    expect(pick(3)).toEqual([
      '6:55 faults[1].target.pick: cannot pick 3 of 4 workers: at that time 2 may be struck by other faults',
    ]);
    expect(pick(4, '9s')).toEqual([]);
    expect(two('target: coordinator, for: 8s', 'target: { role: worker, pick: 4 }, for: 1s')).toEqual([]);
  });

  test('at most 100', () => {
    const step = '{ fault: node-stop, target: worker1, for: 1s }';
    expect(problems(withSections({ faults: `[${Array(101).fill(step).join(', ')}]` }))).toEqual([
      '4:9 faults: expected at most 100 items, found 101',
    ]);
  });
});

describe('hypothesis', () => {
  test.each([
    [
      'an unknown check',
      '{ check: no-lost-wirtes }',
      ['4:14 hypothesis[0].check: there is no check "no-lost-wirtes"; did you mean "no-lost-writes"?'],
    ],
    [
      'a parameter that the check does not have',
      '{ check: no-lost-writes, of: read }',
      ['4:30 hypothesis[0]: unknown key "of"; known: check'],
    ],
    [
      'an unknown span',
      '{ check: availability, of: read, during: faults, min: 99% }',
      ['4:46 hypothesis[0].during: expected one of steady-state, fault, settle, found "faults"; did you mean "fault"?'],
    ],
    [
      'a share as a number',
      '{ check: availability, of: read, min: 0.99 }',
      ['4:43 hypothesis[0].min: expected a percentage with %, from 0% to 100%, such as 99% or 99.9%, found 0.99'],
    ],
    [
      'a missing parameter',
      '{ check: recovery-time, of: read }',
      ['4:5 hypothesis[0]: missing key "max": expected a duration such as 8s or 500ms'],
    ],
    [
      'a kind that the workload does not have',
      '{ check: availability, of: raed, min: 99% }',
      ['4:32 hypothesis[0].of: there is no kind of operation "raed"; did you mean "read"?'],
    ],
    [
      'a shard that is not there',
      '{ check: messages-readable, shards: { readable: [A, E] } }',
      ['4:57 hypothesis[0].shards.readable[1]: there is no shard "E"; known: A, B, C, D'],
    ],
    [
      'more messages than there are',
      '{ check: messages-readable, min: 501 }',
      ['4:38 hypothesis[0].min: min is 501, but the data set has 500 messages'],
    ],
    [
      'a word',
      'no-lost-writes',
      ['4:5 hypothesis[0]: expected a mapping such as { check: no-lost-writes }, found "no-lost-writes"'],
    ],
  ])('%s', (_, item, expected) => {
    expect(withCheck(item)).toEqual(expected);
  });

  test('is not checked against an invalid workload or topology', () => {
    const hypothesis = '[{ check: messages-readable, min: 1000, shards: { readable: [H] } }]';
    expect(problems(withSections({ hypothesis, workload: '{ room: 200 }' }))).toEqual([
      '4:13 workload: unknown key "room"; did you mean "rooms"?',
    ]);
    expect(problems(withSections({ hypothesis, workload: '{ rooms: 200 }', cluster: '{ shard: 8 }' }))).toHaveLength(1);
    expect(problems(withSections({ hypothesis, workload: '{ rooms: 200 }', cluster: '{ shards: 8 }' }))).toEqual([]);
  });
});

describe('the nearest word', () => {
  test.each([
    ['sumary', 'summary'],
    ['hypotesis', 'hypothesis'],
    ['Steady_State', 'steady-state'],
    ['fualts', 'faults'],
    ['x', undefined],
    ['completely-else', undefined],
    ['', undefined],
  ])('%j', (word, expected) => {
    expect(nearest(word, ['name', 'summary', 'steady-state', 'faults', 'hypothesis'])).toBe(expected);
  });

  test('a single letter has none: shard E does not suggest A', () => {
    expect(suggestion('E', ['A', 'B'])).toBe('known: A, B');
  });

  test('a long list is shortened', () => {
    expect(
      suggestion(
        'x',
        Array.from({ length: 25 }, (_, i) => `word${i}`),
      ),
    ).toMatch(/^known: word0, .*word19 and 5 more$/);
  });
});

describe('a check that no run could judge is reported with its place, and only `validate` refuses it', () => {
  const CUT = 'faults: [{ fault: network-drop, target: worker1, for: 3s }]';
  const with_ = (lines: readonly string[]) => ['name: mine', 'summary: Mine.', ...lines].join('\n');
  const told = (...lines: readonly string[]) =>
    hopelessChecks(parse(`${with_(lines)}\n`).hypothesis).map((problem) =>
      describeProblem(problem).replace('mine.yaml:', ''),
    );

  test('prediction, if no fault takes a node down or freezes it', () => {
    expect(told('cluster: { engine: citus }', CUT, 'hypothesis: [{ check: prediction }]')).toEqual([
      '5:23 hypothesis[0].check: prediction can never be judged here: the engine predicts only for nodes that are down or frozen, and network-drop leaves them up',
    ]);
    const [cut, kill] = [
      '{ fault: network-drop, target: worker1, for: 3s }',
      '{ fault: node-kill, target: worker2, for: 3s }',
    ];
    expect(told(`faults: [${cut}, ${kill}]`, 'hypothesis: [{ check: prediction }]')).toEqual([]);
  });

  test('replicas-agree with one copy', () => {
    const [line] = told('cluster: { replication: 1 }', 'hypothesis: [{ check: replicas-agree }]');
    expect(line).toMatch(
      /^4:23 hypothesis\[0\]\.check: replicas-agree can never be judged here: every shard has one copy/,
    );
  });

  test.each([
    ['no-lost-writes', '{ check: no-lost-writes }', 'this workload writes nothing'],
    ['session-guarantees', '{ check: session-guarantees }', 'the operations of this workload belong to no session'],
    ['workers-serve', '{ check: workers-serve, of: write }', 'this workload writes nothing'],
  ])('%s with a workload that lacks what it needs', (check, item, why) => {
    const [line, ...more] = told('workload: { use: big-scan }', `hypothesis: [${item}]`);
    expect(more).toEqual([]);
    expect(line).toBe(`4:23 hypothesis[0].check: ${check} can never be judged here: ${why}`);
  });

  test('a mistake and such a check are both reported', () => {
    const lines = ['sede: 1', 'cluster: { replication: 1 }', 'faults: []', 'hypothesis: [{ check: replicas-agree }]'];
    expect(problems(`${with_(lines)}\n`)).toEqual([
      '3:1 unknown key "sede"; did you mean "seed"?',
      expect.stringMatching(/^6:23 hypothesis\[0\]\.check: replicas-agree can never be judged here/),
    ]);
  });
});
