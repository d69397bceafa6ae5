/** An engine's own keys under `cluster:`, which only the engine knows. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../src/catalog.ts';
import { clusterKeys } from '../../src/cluster/keys.ts';
import { defineEngine, clusterKeys as exported } from '../../src/index.ts';
import { withOwn } from '../../src/own-variants.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';
import { scenarioJsonSchema } from '../../src/scenario/schema.ts';

const replicas = defineEngine({
  name: 'replicas',
  summary: 'a test engine',
  nodes: (holding) => Array.from({ length: holding }, (_, i) => ({ name: `r${i + 1}`, role: 'replica', part: 'data' })),
  routes: ['direct'],
  settings: {},
  keys: clusterKeys(
    z.strictObject({
      replicas: z.int().min(1).max(9).default(2).describe('Copies of all rows.'),
      'apply-delay': z.int().default(0).describe('Seconds that a copy lags behind.'),
      tuning: z
        .strictObject({ slots: z.int().max(5).default(1) })
        .prefault({})
        .describe('How it is tuned.'),
    }),
    {
      problems: ({ replicas: copies, tuning }) =>
        tuning.slots > copies ? [{ path: ['tuning', 'slots'], message: `there are only ${copies} replicas` }] : [],
      makeup: ({ replicas: copies, 'apply-delay': delay }, { nodes }) => ({
        nodes: nodes(copies),
        replication: copies,
        partitions: 1,
        params: { delay },
        inWords: `${copies} replicas, ${delay} s behind`,
      }),
    },
  ),
  form: () => Promise.reject(new Error('not here')),
  inspect: async () => undefined,
  expect: () => ({ partitions: [] }),
});

const catalog = withOwn(shipped, { engines: [replicas] });

function parsed(cluster: string) {
  const text = `name: some\nsummary: Some.\ncluster: ${cluster}\nfaults: []\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', catalog).cluster;
}

function problems(cluster: string): string[] {
  try {
    parsed(cluster);
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ place, path, message }) => `${place.line}:${place.column} ${path}: ${message}`);
  }
}

describe('the keys of a foreign engine', () => {
  test('are read by its schema and its makeup', () => {
    expect(exported).toBe(clusterKeys);
    expect(parsed('{ engine: replicas, replicas: 3, apply-delay: 4 }')).toMatchObject({
      engine: 'replicas',
      nodes: [{ name: 'r1' }, { name: 'r2' }, { name: 'r3' }],
      replication: 3,
      own: { engine: 'replicas', params: { delay: 4 }, inWords: '3 replicas, 4 s behind' },
    });
    expect(parsed('{ engine: replicas }')).toMatchObject({ replication: 2, own: { params: { delay: 0 } } });
  });

  test('select the engine if none is named', () => {
    expect(parsed('{ replicas: 4 }').engine).toBe('replicas');
    expect(parsed('{ members: 3 }').engine).toBe('streaming');
    expect(parsed('{ workers: 3 }')).toMatchObject({ engine: 'auto', replication: 2 });
    expect(parsed('{}')).toMatchObject({ engine: 'auto', partitions: 4 });
  });

  test.each([
    ['{ replicas: 10 }', '3:22 cluster.replicas: expected at most 9, found 10'],
    ['{ replicas: 2, aply-delay: 1 }', '3:25 cluster: unknown key "aply-delay"; did you mean "apply-delay"?'],
    [
      '{ engine: replicas, workers: 3 }',
      '3:30 cluster: "workers" is unknown to the engine replicas; known: replicas, apply-delay, tuning',
    ],
    ['{ replicas: 2, tuning: { slts: 1 } }', '3:35 cluster.tuning: unknown key "slts"; did you mean "slots"?'],
    ['{ replicas: 2, tuning: { slots: 3 } }', '3:42 cluster.tuning.slots: there are only 2 replicas'],
    [
      '{ engine: native, replicas: 2 }',
      '3:28 cluster: "replicas" is unknown to the engine native; known: workers, replication, shards',
    ],
  ])('%s is refused where it is wrong', (cluster, message) => {
    expect(problems(cluster)).toEqual([message]);
  });

  test('are published with their limits', () => {
    const { properties } = scenarioJsonSchema(catalog) as {
      properties: { cluster: { anyOf: { properties: object }[] } };
    };
    expect(properties.cluster.anyOf[0]?.properties).toMatchObject({
      replicas: { maximum: 9, description: 'Copies of all rows.' },
      workers: { maximum: 64 },
    });
  });

  test.each([
    [z.strictObject({ platform: z.string().optional() }), /"platform" is pgquake's own/],
    [z.strictObject({ needed: z.string() }), /"needed" must have a default/],
  ])('that no scenario could use are refused', (params, message) => {
    const keys = clusterKeys(params, { makeup: () => ({ nodes: [], replication: 1, partitions: 1 }) });
    expect(() => withOwn(shipped, { engines: [{ ...replicas, keys }] })).toThrow(message);
  });
});
