/** CI, as docs/ci.md and action.yml have it: their own scripts, run on real servers. */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMPILED, type Ended, Workplace } from '../support/cli.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const SCENARIO = `name: short
summary: One worker is killed for a second.
cluster: { workers: 2, replication: 2, shards: 2 }
workload: { use: chat, rooms: 10, read: { rate: 20/s, deadline: 2s }, scan: { rate: 5/s, deadline: 2s }, write: { rate: 5/s, deadline: 2s } }
probes: { rate: 10/s }
steady-state: { for: 1s }
faults:
  - { fault: node-kill, target: TARGETS, for: 1s }
settle: { within: 20s }
hypothesis:
  - { check: messages-readable, min: 50 }
`;

function script(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: ROOT,
    // Otherwise npm would leave a cache in the folder for temporary files.
    env: { ...process.env, CI: '1', NO_COLOR: '1', NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  return new Promise((done) => child.once('close', (code) => done({ code, ...said })));
}

/** Again, at most three times, where the machine was too busy to judge a run: then the exit code is 2. */
async function judged(run: () => Promise<Ended>): Promise<Ended> {
  for (let attempt = 1; ; attempt++) {
    const ended = await run();
    if (ended.code !== 2 || attempt === 3) return ended;
  }
}

test('the shell script of docs/ci.md runs, compares with a baseline, and ends with the exit code', async () => {
  using place = new Workplace();
  const docs = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');
  const ci = join(place.folder, 'ci.sh');
  writeFileSync(ci, /```sh\n(.*?)```/s.exec(docs)?.[1] as string);
  const scenario = place.scenario('short', SCENARIO.replace('TARGETS', 'worker1'));
  const env = { REPORTS: place.reports, TMPDIR: place.temporary };
  const args = [ci, scenario, '--platform', 'local'];

  const first = await judged(() => script('sh', args, env));
  const verdict = JSON.parse(readFileSync(`${place.reports}.verdict.json`, 'utf8'));
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout.split('\n')[0]).toBe(`PASS short: ${verdict.runs[0].finding}`);
  expect(first.stderr).toMatch(/phase|steady|fault {6}node-kill worker1 in effect/);
  expect(verdict.runs[0].results.map(({ check }: { check: string }) => check)).toContain('messages-readable');
  const { folder } = verdict.runs[0];
  for (const file of ['report.html', 'junit.xml', 'badge.svg'])
    expect(existsSync(resolve(ROOT, folder, file))).toBe(true);
  expect(readFileSync(join(place.reports, 'index.html'), 'utf8')).toContain('short</a>');

  const baseline = join(place.folder, 'baseline.json');
  writeFileSync(baseline, readFileSync(resolve(ROOT, folder, 'report.json')));
  const second = await judged(() => script('sh', args, { ...env, BASELINE: baseline }));
  // How long things took is the machine's matter; that they were compared is not.
  expect(second.stdout).toMatch(/^(Worse|No regression): .*-short/m);
  expect(second.code).toBe(second.stdout.includes('Worse: ') ? 1 : 0);
  expect(place.leftovers()).toEqual([]);
});

test('the script of action.yml runs, with annotation, step summary and outputs', async () => {
  using place = new Workplace();
  const { runs } = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as {
    runs: { steps: { id?: string; run?: string }[] };
  };
  const run = runs.steps.find(({ id }) => id === 'run')?.run as string;
  const scenario = place.scenario('short', SCENARIO.replace('TARGETS', '[worker1, worker2]'));
  const [output, summary] = [join(place.folder, 'output'), join(place.folder, 'summary')];
  const env = {
    SCENARIOS: `${scenario}\n`,
    SUITE: '',
    ARGUMENTS: '--platform=local\n',
    RETRIES: '0',
    BASELINE: '',
    ARTIFACT: 'kept',
    GITHUB_JOB: 'survival',
    GITHUB_RUN_ATTEMPT: '1',
    REPORTS: place.reports,
    TMPDIR: place.temporary,
    RUNNER_TEMP: place.folder,
    GITHUB_ACTION_PATH: ROOT,
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: place.folder,
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: summary,
  };
  const ended = await judged(() => {
    for (const file of [output, summary]) rmSync(file, { force: true });
    return script('bash', ['-e', '-c', run], env);
  });
  const { code, stdout, stderr } = ended;
  expect(code, stderr).toBe(1);
  expect(stdout).toBe('');
  const [judgement, verdict, artifact] = readFileSync(output, 'utf8').split('\n');
  expect([judgement, verdict]).toEqual(['judgement=fail', `verdict=${join(place.folder, 'pgquake-verdict.json')}`]);
  expect(artifact).toMatch(/^artifact=kept-survival-1-\d+$/);
  expect(stderr).toMatch(/^::error file=short\.yaml,line=11,title=pgquake%3A short%3A messages-readable::/m);
  expect(stderr.indexOf('::stop-commands::')).toBeLessThan(stderr.indexOf('provision'));
  expect(readFileSync(summary, 'utf8')).toContain('❌ FAIL: short');
  expect(place.leftovers()).toEqual([]);
});
