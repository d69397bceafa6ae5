/** Bad input for every fault of the catalogue: told with its place and what was expected, before anything starts. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { faults } from '../../src/catalog.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Fault } from '../../src/faults/fault.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';

const BEFORE = '  - ';

const WORKERS = { node: 'worker1', unknown: 'worker9', known: 'coordinator and worker1 to worker4', cluster: '' };
const MEMBERS = {
  node: 'pg1',
  unknown: 'pg9',
  known: 'pg1, pg2, pg3',
  cluster: 'cluster: { engine: streaming, members: 3 }\n',
};

/** The nodes that a fault is for. */
const nodesFor = ({ movingRoles }: Fault) => (movingRoles ? MEMBERS : WORKERS);

function problems(step: string, fault?: Fault, written?: string): string[] {
  const { cluster } = written ? { cluster: `cluster: ${written}` } : fault ? nodesFor(fault) : WORKERS;
  const text = `name: some\nsummary: Some.\nhypothesis: [{ check: no-lost-writes }]\nfaults:\n${BEFORE}${step}\n${cluster}`;
  try {
    parseScenario(text, 'some.yaml', vocabulary);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split('\n');
    throw error;
  }
  return [];
}

/** A step that is right, but for what is put in; and the column of a value in it. */
function step(fault: Fault, more: Readonly<Record<string, string>> = {}) {
  const { name, strikes } = fault;
  const parts = { fault: name, target: nodesFor(fault).node, ...(strikes ? {} : { for: '2s' }), ...more };
  const written = Object.entries(parts).map(([key, value]) => `${key}: ${value}`);
  const text = `{ ${written.join(', ')} }`;
  return { text, columnOf: (key: string) => BEFORE.length + text.indexOf(` ${key}: `) + key.length + 4 };
}

interface ParameterSchema {
  readonly type?: string;
  readonly anyOf?: readonly ParameterSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly $ref?: string;
}

const QUANTITIES: Readonly<Record<string, readonly string[]>> = {
  Duration: ['-1s', '8 sec', '8', '25h', 'soon', '[8s]'],
  PositiveDuration: ['-1s', '0s', '8 sec', '8', '25h', 'soon'],
  Share: ['-1%', '101%', '50', 'half'],
  Bandwidth: ['-1MB/s', '0B/s', '10B/s', '5', '5MB', '5 MB/s', '5mb/s', '11GB/s'],
  Bytes: ['-1MB', '0B', '1kB', '5', '5 MB', '5MiB', '1001GB'],
  Rate: ['-1/s', '0/s', '5', '5/h', '1000001/s'],
};

/** Values that no such parameter takes: negative, absurd, of a wrong unit or kind. */
function badValues(schema: ParameterSchema): readonly string[] {
  const quantity = QUANTITIES[schema.$ref?.split('/').at(-1) ?? ''];
  if (quantity) return quantity;
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = 0 } = schema;
    return ['-1', String(minimum - 1), String(maximum + 1), '1.5', '"3"', 'many'];
  }
  // Words, or a list of nodes.
  if (schema.anyOf) return ['nobody', '7', '-1', '{ role: worker }'];
  if (schema.type === 'string') return ['""', '17', '"snow ☃"', '[a]'];
  return [];
}

function parametersOf({ params }: Fault): [string, ParameterSchema][] {
  const { properties = {} } = z.toJSONSchema(params, { io: 'input' });
  return Object.entries(properties) as [string, ParameterSchema][];
}

describe.each(faults)('$name', (fault) => {
  test('is right as the others below are wrong', () => {
    expect(problems(step(fault).text, fault)).toEqual([]);
  });

  test.each([
    [
      'target',
      nodesFor(fault).unknown,
      new RegExp(`there is no node "${nodesFor(fault).unknown}"; the cluster has ${nodesFor(fault).known}$`),
    ],
    ['target', '[]', /expected at least one node, found an empty list$/],
    ['target', '7', new RegExp(`expected the name of a node such as ${nodesFor(fault).node}, found 7$`)],
    ['at', '-1s', /expected a duration such as 8s or 500ms, found "-1s"$/],
    ['at', '3 parsecs', /expected a duration such as 8s or 500ms, found "3 parsecs"$/],
    ['at', '48h', /expected a duration of at most 24h, found "48h"$/],
  ])('%s: %s', (key, value, complaint) => {
    const { text, columnOf } = step(fault, { [key]: value });
    expect(problems(text, fault)).toEqual([
      expect.stringMatching(new RegExp(`^some\\.yaml:5:${columnOf(key)} faults\\[0\\]\\.${key}: ${complaint.source}`)),
    ]);
  });

  test('without a target', () => {
    const { node } = nodesFor(fault);
    const text = step(fault).text.replace(` target: ${node},`, '').replace(`, target: ${node}`, '');
    expect(problems(text, fault)).toEqual([
      expect.stringMatching(/^some\.yaml:5:5 faults\[0\]: missing key "target": expected a node/),
    ]);
  });

  test('with a key that it does not have', () => {
    const { text } = step(fault, { hard: 'true' });
    const column = BEFORE.length + text.indexOf('hard:') + 1;
    expect(problems(text, fault)).toEqual([
      expect.stringMatching(`^some\\.yaml:5:${column} faults\\[0\\]: unknown key "hard"; `),
    ]);
  });

  test(fault.strikes ? 'with a `for` that it does not take' : 'with a `for` that is none', () => {
    for (const value of ['0s', '-1s', '8 sec', '30h']) {
      const { text, columnOf } = step(fault, { for: value });
      const expected = fault.strikes
        ? `^some\\.yaml:5:${columnOf('for') - 5} faults\\[0\\]: unknown key "for"; `
        : `^some\\.yaml:5:${columnOf('for')} faults\\[0\\]\\.for: expected a duration .*, found "${value}"$`;
      expect(problems(text, fault)).toEqual([expect.stringMatching(expected)]);
    }
  });

  test('with parameters that are negative, absurd, or of a wrong kind', () => {
    for (const [key, schema] of parametersOf(fault)) {
      const values = badValues(schema);
      expect(values, `${key} has a kind that this test knows`).not.toEqual([]);
      for (const value of values) {
        const { text, columnOf } = step(fault, { [key]: value });
        expect(problems(text, fault), text).toEqual([
          expect.stringMatching(`^some\\.yaml:5:${columnOf(key)} faults\\[0\\]\\.${key}: expected .*, found `),
        ]);
      }
    }
  });
});

test.each(faults.filter(({ movingRoles }) => movingRoles))('$name is refused where roles do not move', (fault) => {
  const { name } = fault;
  const text = step(fault).text.replace('pg1', 'worker1');
  expect(problems(text)).toEqual([
    `some.yaml:5:${BEFORE.length + text.indexOf(name) + 1} faults[0].fault: ${name} is for a cluster whose roles move, such as { engine: streaming, members: 3 }`,
  ]);
});

test('a successor must exist', () => {
  const fault = faults.find(({ name }) => name === 'switchover') as Fault;
  const { text, columnOf } = step(fault, { to: 'pg9' });
  expect(problems(text, fault)).toEqual([
    `some.yaml:5:${columnOf('to')} faults[0].to: there is no node "pg9"; the cluster has pg1, pg2, pg3`,
  ]);
});

test.each([
  ['{ members: 3 }', '[standbys, pg3]', []],
  ['{ members: 3 }', '[primary]', []],
  ['{ members: 3 }', '[dcs]', ['there is no node "dcs"; the cluster has pg1, pg2, pg3']],
  ['{ workers: 4 }', '[standbys]', ['there is no node "standbys"; the cluster has coordinator and worker1 to worker4']],
  ['{ members: 3 }', '[standby]', ['there is no node "standby"; to strike a role, write { role: standby }']],
])('a word for nodes on the other side is one that the cluster %s may have: %s', (cluster, from, said) => {
  const target = cluster.includes('members') ? '{ role: primary }' : 'worker1';
  const found = problems(`{ fault: network-drop, target: ${target}, from: ${from}, for: 1s }`, undefined, cluster);
  expect(found.map((line) => line.replace(/^.*faults\[0\]\.from\[0\]: /, ''))).toEqual(said);
});

test('a node that a parameter names must exist', () => {
  const text = '{ fault: network-drop, target: worker1, from: [worker2, worker9], for: 1s }';
  expect(problems(text)).toEqual([
    `some.yaml:5:${BEFORE.length + text.indexOf('worker9') + 1} faults[0].from[1]: there is no node "worker9"; the cluster has coordinator and worker1 to worker4`,
  ]);
});
