/** docs/ci.md and action.yml: what can be checked of them without the servers that read them. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { validateAction, validateWorkflow } from '@action-validator/core';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { EXIT } from '../../src/cli/exit-codes.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const docs = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');
const actionText = readFileSync(join(ROOT, 'action.yml'), 'utf8');
const examples = (language: string) =>
  [...docs.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text as string);
const [github, gitlab] = examples('yaml') as [string, string];

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: Readonly<Record<string, string>>;
}

const action = parse(actionText) as {
  readonly inputs: Readonly<Record<string, { readonly description?: string; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
};

/** What the shell thinks of a script, without running it. */
function shellErrors(shell: 'bash' | 'sh', script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-ci-'));
  try {
    writeFileSync(join(folder, 'script'), script);
    execFileSync(shell, ['-n', join(folder, 'script')], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('action.yml', () => {
  test('is an action by GitHub’s schema, and its check can fail', () => {
    expect(validateAction(actionText).errors).toEqual([]);
    expect(validateAction(actionText.replace('shell: bash', 'shel: bash')).errors).not.toEqual([]);
  });

  test('uses each input that it declares, and declares each that it uses', () => {
    const used = new Set([...actionText.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name));
    expect([...used].sort()).toEqual(Object.keys(action.inputs).sort());
    for (const input of Object.values(action.inputs)) expect(input).toMatchObject({ description: expect.any(String) });
  });

  test('its scripts are good shell, and hold no expression, which would be code of whoever gives the input', () => {
    const scripts = action.runs.steps.flatMap(({ run }) => run ?? []);
    expect(scripts).toHaveLength(2);
    for (const script of scripts) {
      expect(script).not.toContain('${{');
      expect(shellErrors('bash', script)).toBe('');
    }
  });

  test.each([
    ['[ab].json', 0, 0, ['compare', 'a.json', 'b.json', 'out/latest', '--fail-on-regression']],
    ['[ab].json', 1, 1, ['compare', 'a.json', 'b.json', 'out/latest', '--fail-on-regression']],
    ['none*.json', 0, 3, undefined],
    ['', 0, 0, undefined],
  ])('baseline %j, and compare ends with %d: exit code %d', (baseline, compared, expected, called) => {
    const folder = mkdtempSync(join(tmpdir(), 'pgquake-action-'));
    try {
      // A stand-in for pgquake, which keeps what it is called with.
      mkdirSync(join(folder, 'bin'));
      const calls = join(folder, 'calls');
      writeFileSync(
        join(folder, 'bin/pgquake.cjs'),
        `const [, , ...args] = process.argv;
        require('node:fs').appendFileSync(${JSON.stringify(calls)}, JSON.stringify(args) + '\\n');
        if (args[0] === 'compare') process.exit(${compared});
        console.log('{"judgement":"pass"}');`,
      );
      for (const name of ['b.json', 'a.json']) writeFileSync(join(folder, name), '{}');
      const { run = '' } = action.runs.steps.find((step) => step.run?.includes('--retries')) ?? {};
      const names = { SCENARIOS: 'one', SUITE: '', ARGUMENTS: '', RETRIES: '2', REPORTS: 'out', ARTIFACT: 'kept' };
      const runner = { RUNNER_TEMP: folder, GITHUB_ACTION_PATH: folder, GITHUB_OUTPUT: join(folder, 'output') };
      const env = { ...process.env, ...names, ...runner, BASELINE: baseline, GITHUB_JOB: 'j', GITHUB_RUN_ATTEMPT: '1' };
      const { status } = spawnSync('bash', ['-e', '-c', run], { cwd: folder, env, encoding: 'utf8' });
      expect(status).toBe(expected);
      const made = readFileSync(calls, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as string[]);
      expect(made[0]).toEqual(['one', '--retries', '2', '--reports', 'out', '--output', 'json']);
      expect(made[1]).toEqual(called);
      expect(readFileSync(runner.GITHUB_OUTPUT, 'utf8')).toMatch(/^judgement=pass\n(.*\n)*artifact=kept-j-1-\d+\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('its outputs are written by its script', () => {
    const script = action.runs.steps.map(({ run }) => run).join('\n');
    for (const { value } of Object.values(action.outputs)) {
      const name = /steps\.run\.outputs\.(\w+)/.exec(value)?.[1];
      expect(script).toContain(`echo "${name}=`);
    }
  });
});

describe('docs/ci.md', () => {
  test('the workflow for GitHub is one by its schema, and gives the action inputs that it has', () => {
    expect(validateWorkflow(github).errors).toEqual([]);
    expect(validateWorkflow(github.replace('runs-on', 'run-on')).errors).not.toEqual([]);
    const workflow = parse(github) as { readonly jobs: Record<string, { readonly steps: readonly Step[] }> };
    const step = Object.values(workflow.jobs)
      .flatMap(({ steps }) => steps)
      .find(({ uses }) => uses?.startsWith('pgquake/'));
    expect(Object.keys(step?.with ?? {}).length).toBeGreaterThan(0);
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(step?.with ?? {})));
    for (const [, output] of github.matchAll(/outputs\.(\w+)/g)) expect(Object.keys(action.outputs)).toContain(output);
  });

  test('the job for GitLab has keys that GitLab knows, and a script that is good shell', () => {
    const { survival } = parse(gitlab) as { survival: Record<string, unknown> & { script: string[] } };
    // https://docs.gitlab.com/ci/yaml/: the keywords of a job.
    const known = ['image', 'timeout', 'variables', 'script', 'artifacts', 'allow_failure'];
    expect(Object.keys(survival).filter((key) => !known.includes(key))).toEqual([]);
    expect(survival.artifacts).toMatchObject({ when: 'always', reports: { junit: 'reports/*/junit.xml' } });
    expect(survival.allow_failure).toEqual({ exit_codes: EXIT.unknown });
    expect(shellErrors('bash', survival.script.join('\n'))).toBe('');
  });

  test('the script for a plain shell is good shell', () => {
    const [script] = examples('sh');
    expect(shellErrors('sh', script as string)).toBe('');
  });

  test('names every exit code', () => {
    const named = [...docs.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(named).toEqual(Object.values(EXIT));
  });
});
