import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Check } from '../../src/checks/check.ts';

const FOLDER = join(import.meta.dirname, '../../src/checks');
const docs = readFileSync(join(import.meta.dirname, '../../docs/checks.md'), 'utf8');

const names = readdirSync(FOLDER)
  .filter((file) => file !== 'check.ts')
  .map((file) => file.replace(/\.ts$/, ''));

async function load(name: string): Promise<Check> {
  const variants = Object.values((await import(join(FOLDER, `${name}.ts`))) as Record<string, Check>);
  expect(variants).toHaveLength(1);
  return variants[0] as Check;
}

/** Answers of `src/judge.ts` itself, which reports show like those of checks. */
const OF_THE_JUDGE = ['steady-state', 'run-completed'];

/** The text below a check's heading. */
function section(name: string): string {
  return docs.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
}

describe('docs/checks.md', () => {
  test('has a heading for each check and for nothing else', () => {
    const headings = [...docs.matchAll(/^## (\S+)$/gm)].map((match) => match[1]);
    expect(headings.toSorted()).toEqual([...names, ...OF_THE_JUDGE].toSorted());
  });

  test.each(names)('%s: file, name and docs agree, and its parameters are explained', async (name) => {
    const check = await load(name);
    expect(check.name).toBe(name);
    const { properties = {} } = z.toJSONSchema(check.params, { io: 'input' });
    for (const parameter of Object.keys(properties)) expect(section(name)).toContain(`\`${parameter}`);
    expect(section(name).includes('`unknown`:')).toBe(true);
    expect(section(name).includes('Every run makes')).toBe(check.always !== undefined);
  });

  test('names the checks that are judged only where the load kept its schedule', async () => {
    const all = await Promise.all(names.map(load));
    const needing = (how: Check['needsKeptSchedule'][]) =>
      all.flatMap(({ name, needsKeptSchedule }) => (how.includes(needsKeptSchedule) ? [name] : []));
    const [, listed = ''] = /are `unknown` instead of failed: (.*?)\.\n/s.exec(section('load-kept-its-schedule')) ?? [];
    const told = [...listed.matchAll(/`(\S+)`/g)].map(([, name]) => name);
    expect(told.toSorted()).toEqual(needing(['operations', 'whole-run']).toSorted());
    // "The last three."
    expect(told.slice(-3).toSorted()).toEqual(needing(['whole-run']).toSorted());
  });

  test('every example is valid', async () => {
    const examples = [...docs.matchAll(/```yaml\n(.*?)```/gs)].map((match) => parse(match[1] as string));
    expect(examples.length).toBeGreaterThan(1);
    for (const { hypothesis } of examples) {
      for (const { check, ...written } of hypothesis) {
        expect((await load(check)).params.safeParse(written).error).toBeUndefined();
      }
    }
  });
});
