import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { vocabulary as shippedVocabulary, vocabulary } from '../../src/cli/vocabulary.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { scenarioJsonSchema, TOP_KEYS } from '../../src/scenario/schema.ts';

const ROOT = join(import.meta.dirname, '../..');
const schema = scenarioJsonSchema(vocabulary);
const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema);

/** The paths at which the schema refuses a scenario, without the branches of unions. */
function complaints(text: string): string[] {
  validate(parse(text));
  return (validate.errors ?? []).map(({ instancePath }) => instancePath);
}

const scenario = (rest: string) => `name: mine\nsummary: Mine.\nhypothesis: [{ check: no-lost-writes }]\n${rest}`;

describe('the published JSON Schema', () => {
  test('is what the catalogue makes of it: `npm run schema` writes it', () => {
    const published = JSON.parse(readFileSync(join(ROOT, 'schema/scenario.schema.json'), 'utf8'));
    expect(published).toEqual(scenarioJsonSchema(shippedVocabulary));
    expect(published.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  test('accepts every shipped scenario, and each names the schema in its first line', () => {
    const files = readdirSync(join(ROOT, 'scenarios')).filter((file) => /^[^.]+\.yaml$/.test(file));
    expect(files.length).toBeGreaterThanOrEqual(5);
    for (const file of files) {
      const text = readFileSync(join(ROOT, 'scenarios', file), 'utf8');
      expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../schema/scenario.schema.json');
      expect({ file, complaints: complaints(text) }).toEqual({ file, complaints: [] });
    }
  });

  test.each([
    '',
    'workload: { rooms: 10 }',
    'workload: { use: chat, read: { rate: 30/m } }',
    'faults: [{ fault: node-stop, target: { role: worker, pick: 1 }, for: 1.5s }]',
    'cluster: { workers: 1, replication: 1 }\nseed: 4294967295',
  ])('and the loader accept %j', (rest) => {
    expect(() => parseScenario(scenario(rest), 'mine.yaml', vocabulary)).not.toThrow();
    expect(complaints(scenario(rest))).toEqual([]);
  });

  test.each([
    ['sumary: x', ''],
    ['claim: ""', '/claim'],
    ['cluster: { workers: 0 }', '/cluster/workers'],
    ['workload: { read: { rate: 200 } }', '/workload/read/rate'],
    ['steady-state: { for: 8 sec }', '/steady-state/for'],
    ['settle: {}', '/settle'],
    ['faults: [{ fault: node-stop, for: 8s }]', '/faults/0'],
    ['faults: [{ fault: node-stop, target: [], for: 8s }]', '/faults/0/target'],
    ['seed: -1', '/seed'],
  ])('and the loader refuse %j', (rest, path) => {
    expect(() => parseScenario(scenario(rest), 'mine.yaml', vocabulary)).toThrow();
    expect(complaints(scenario(rest))).toContain(path);
  });

  test.each([
    ['cluster: { platform: dokcer }', 'cluster.platform', 'did you mean "docker"?'],
    ['cluster: { engine: ctius }', 'cluster.engine', 'did you mean "citus"?'],
    ['workload: { use: chta }', 'workload.use', 'did you mean "chat"?'],
    ['faults: [{ fault: node-sotp, target: worker1, for: 8s }]', 'faults[0].fault', 'did you mean "node-stop"?'],
  ])('allows your own names; the loader checks them against the catalogue: %j', (rest, path, meant) => {
    expect(complaints(scenario(rest))).toEqual([]);
    expect(() => parseScenario(scenario(rest), 'mine.yaml', vocabulary)).toThrow(`${path}: `);
    expect(() => parseScenario(scenario(rest), 'mine.yaml', vocabulary)).toThrow(meant);
  });

  test('offers every shipped name, and checks its parameters', () => {
    const text = JSON.stringify(schema);
    for (const kind of ['faults', 'checks', 'workloads', 'platforms', 'engines'] as const) {
      for (const { name } of vocabulary[kind]) expect(text).toContain(JSON.stringify(name));
    }
    expect(complaints(scenario('faults: [{ fault: node-stop, target: worker1, fro: 8s }]'))).toContain('/faults/0');
    expect(complaints('name: mine\nsummary: Mine.\nhypothesis: [{ check: availability, mni: 1 }]\n')).not.toEqual([]);
  });

  test('helps an editor: every key has a description, every variant a title', () => {
    const properties = schema.properties as Record<string, { description?: string }>;
    expect(Object.keys(properties)).toEqual([...TOP_KEYS]);
    const silent: string[] = [];
    (function walk(value: unknown, path: string): void {
      if (typeof value !== 'object' || value === null) return;
      const { properties, anyOf } = value as {
        properties?: Record<string, object>;
        anyOf?: { title?: string; properties?: object }[];
      };
      for (const [key, inner] of Object.entries(properties ?? {})) {
        if (!('description' in inner) && !('$ref' in inner)) silent.push(`${path}.${key}`);
      }
      for (const variant of path.endsWith('Target') ? [] : (anyOf ?? []))
        if (!variant.title) silent.push(`${path} variant`);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    })(schema, '');
    expect(silent).toEqual([]);
  });
});
