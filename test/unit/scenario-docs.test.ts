/** docs/scenario.md says what is so: every example is parsed, and keys, defaults and limits are those of the schema. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Scenario } from '../../src/model/scenario.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';
import { scenarioJsonSchema, TOP_KEYS } from '../../src/scenario/schema.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/scenario.md'), 'utf8');
const blocks = [...docs.matchAll(/```(yaml|text)\n(.*?)```/gs)].map(([, language, text]) => ({
  language,
  text: text as string,
}));

/** A part of a scenario is completed with what it leaves out. */
function complete(text: string): string {
  if (/^name:/m.test(text)) return text;
  const hypothesis = /^hypothesis:/m.test(text) ? '' : 'hypothesis: [{ check: no-lost-writes }]\n';
  return `name: part\nsummary: Part.\n${hypothesis}${text}`;
}

function parse(text: string): Scenario {
  const name = /^name: (.*)$/m.exec(text)?.[1];
  return parseScenario(text, `${name}.yaml`, vocabulary);
}

/** The rows of the table below a heading whose first cell is `key`. */
function row(heading: string, key: string): string {
  const section = docs.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section.split('\n').find((line) => line.startsWith(`| \`${key}\``)) ?? '';
}

describe('docs/scenario.md', () => {
  const examples = blocks.filter(({ language, text }) => language === 'yaml' && !text.includes('sumary'));

  test('has examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(7);
  });

  test.each(examples)('example %# is valid', ({ text }) => {
    expect(() => parse(complete(text))).not.toThrow();
  });

  test('a wrong scenario is answered with the very lines that are shown', () => {
    const wrong = blocks.findIndex(({ text }) => text.includes('sumary'));
    expect(() => parse(blocks[wrong]?.text as string)).toThrowError(
      expect.objectContaining({ message: blocks[wrong + 1]?.text.trim() }),
    );
    expect(() => parse(blocks[wrong]?.text as string)).toThrowError(ScenarioError);
  });

  interface Property {
    readonly default?: unknown;
    readonly minimum?: number;
    readonly maximum?: number;
    readonly properties?: Readonly<Record<string, Property>>;
    readonly anyOf?: readonly Property[];
    readonly items?: Property;
  }

  const { properties } = scenarioJsonSchema(vocabulary) as { properties: Readonly<Record<string, Property>> };

  test('explains every key at the top', () => {
    for (const key of TOP_KEYS) expect(row('Keys at the top', key)).not.toBe('');
  });

  test.each([
    ['cluster', properties.cluster?.anyOf?.[0]],
    ['workload', properties.workload?.anyOf?.[0]],
    ['faults', properties.faults?.items?.anyOf?.[0]],
  ] as const)('%s: every key with its limits and its default', (heading, schema) => {
    const keys = Object.entries(schema?.properties ?? {}).filter(([key]) => key !== 'use');
    expect(keys.length).toBeGreaterThan(3);
    for (const [key, { default: value, maximum, properties: inner }] of keys) {
      const line = row(heading, key);
      expect(line, key).not.toBe('');
      if (typeof value === 'string' || typeof value === 'number') expect(line).toContain(`\`${value}\``);
      // The limit of replication is the number of workers.
      if (maximum !== undefined && key !== 'replication') expect(line).toContain(`to ${maximum} `);
      if (Object.values(inner ?? {}).some((of) => of.default !== undefined)) {
        const defaults = Object.fromEntries(Object.entries(inner ?? {}).map(([name, of]) => [name, of.default]));
        expect(line).toContain(stringify(defaults, { collectionStyle: 'flow', lineWidth: 0 }).trim());
      }
    }
  });

  test('gives the defaults of sections as they are', () => {
    for (const key of ['steady-state', 'settle'] as const) {
      const value = properties[key]?.default;
      expect(row('Keys at the top', key)).toContain(`\`${stringify(value, { collectionStyle: 'flow' }).trim()}\``);
    }
  });
});
