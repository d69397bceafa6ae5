/** Says at the end of a test run on how many random cases properties were tried, and what `npm test` left out. */

import { globSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

const ROOT = resolve(import.meta.dirname, '../..');
const ALL = 'test/{unit,smoke,contract,integration,e2e}/**/*.test.ts';

export default class ScopeReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const cases = modules
      .flatMap((module) => [...module.children.allTests()])
      .reduce((sum, test) => sum + (test.meta().cases ?? 0), 0);
    const lines = cases > 0 ? [`Properties were tried on ${cases.toLocaleString('en')} random cases.`] : [];
    // Whoever picks files or projects by hand knows what they left out.
    if (process.env.npm_lifecycle_event === 'test') lines.push(...leftOut(modules));
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n\n`);
  }
}

function leftOut(modules: readonly TestModule[]): string[] {
  const ran = new Set(modules.map(({ moduleId }) => relative(ROOT, moduleId)));
  const others = globSync(ALL, { cwd: ROOT }).filter((file) => !ran.has(file));
  if (others.length === 0) return [];
  return [
    `Not run: ${others.length} files of tests on clusters, containers and pages, and more random cases for properties.`,
    '  npm run test:all   runs everything (about 15 minutes)',
    '  npm run torture    kills pgquake at 100 random moments and more',
    '  npm run bench      measures pgquake itself',
  ];
}
