/** The exit code is pgquake's own, whatever the code that a config file loads does to the process. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'pgquake-exit-')));
});

afterEach(() => rmSync(folder, { recursive: true }));

function node(args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}

/** Runs a command with a config file. */
function withConfig(text: string, ...args: readonly string[]) {
  mkdirSync(join(folder, 'scenarios'));
  const scenario = 'name: mine\nsummary: Mine.\nhypothesis: [{ check: healed }]\n';
  writeFileSync(join(folder, 'scenarios/mine.yaml'), scenario);
  writeFileSync(join(folder, 'pgquake.config.mjs'), `${text}\nexport default {};\n`);
  return node([join(ROOT, 'bin/pgquake.cjs'), ...args]);
}

test('an exit code that a config file sets does not count', () => {
  const text = "process.exitCode = 1;\nprocess.on('exit', () => { process.exitCode = 1; });";
  expect(withConfig(text, 'validate', 'mine')).toEqual({ status: 0, stdout: 'scenarios/mine.yaml: ok\n', stderr: '' });
});

test.each([
  'setTimeout(() => process.exit(1), 1);\nawait 1;',
  "import { exit } from 'node:process';\nsetTimeout(() => exit(1), 1);",
  'setInterval(() => { try { process.exit(1); } catch {} }, 1);',
])('a config file that ends the process later is refused once, with its place: %s', (text) => {
  const { status, stderr } = withConfig(text, 'plan', 'mine');
  expect(status).toBe(3);
  expect(stderr).toMatch(/^error .*pgquake\.config\.mjs:\d.*\n hint .*\n$/);
});

test('where other code ends the process, current work ends in order', () => {
  const from = (file: string) => JSON.stringify(join(ROOT, 'src/cli', file));
  const script = `
    import { interruptible, listen } from ${from('interrupt.ts')};
    import { exitNow } from ${from('own-exit.ts')};
    listen({ interrupted: () => 130, of: () => 3 }, (error) => console.log(error.message))();
    const { signal } = interruptible((text) => console.log(text));
    setTimeout(() => process.exit(1), 1);
    setInterval(() => process.exit(1), 1);
    await new Promise((done) => signal.addEventListener('abort', done));
    await new Promise((done) => setTimeout(done, 20));
    console.log('healed after ' + signal.reason.code);
    exitNow(3);`;
  const { status, stdout } = node(['--input-type=module', '--eval', script]);
  expect(stdout).toMatch(
    /^process\.exit\(1\) was called.*\nthis call: healing, releasing the cluster, writing the report\nhealed after foreign-exit\n$/,
  );
  expect(status).toBe(3);
});
