/** Reads a file that lists the scenarios of a suite, in its own order: `scenarios/<name>.suite.yaml`. */

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { problemsOf } from './explain.ts';
import { ScenarioError } from './problems.ts';
import { Source } from './source.ts';

const schema = z.strictObject({
  scenarios: z
    .array(z.string().min(1))
    .min(1)
    .describe('Names such as patroni/primary-lost, or paths from the folder of this file such as ./mine.yaml.'),
});

/**
 * The listed scenarios: names, and absolute paths.
 * @throws ScenarioError with all its problems and their places.
 */
export function readSuiteList(text: string, file: string): readonly string[] {
  const source = new Source(text, file, { what: 'list of scenarios', page: 'scenario.md' });
  const result = schema.safeParse(source.value);
  const problems = result.error ? problemsOf(result.error, { source, value: source.value, schema }) : [];
  if (!result.success || source.problems.length > 0) throw new ScenarioError([...source.problems, ...problems]);
  const { scenarios } = result.data;
  return scenarios.map((name) => (/^\.{1,2}\//.test(name) ? resolve(dirname(file), name) : name));
}
