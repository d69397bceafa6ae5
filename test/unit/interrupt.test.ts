/** What a person hears who presses Ctrl-C, and presses it again. */

import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { interruptibleRun } from '../../src/cli/commands/run.ts';
import { ENDING, WITHOUT_MEANING } from '../../src/cli/interrupt.ts';

/** Nothing can be done about these: Node.js cannot run JavaScript after a fault of its own code. */
const UNCATCHABLE = ['SIGKILL', 'SIGSTOP', 'SIGILL', 'SIGBUS', 'SIGFPE', 'SIGSEGV'];
/** Without a listener they end nothing. SIGTSTP, SIGTTIN and SIGTTOU suspend until the user continues; Node.js ignores SIGPIPE. */
const HARMLESS = ['SIGCHLD', 'SIGCONT', 'SIGPIPE', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'];

afterEach(() => {
  vi.restoreAllMocks();
});

test.skipIf(process.platform !== 'linux')('every signal is in one class', () => {
  const classes: readonly (readonly string[])[] = [ENDING, WITHOUT_MEANING, UNCATCHABLE, HARMLESS];
  const { SIGIOT: _abort, SIGPOLL: _io, ...signals } = constants.signals;
  for (const name of Object.keys(signals)) {
    expect(
      classes.filter((names) => names.includes(name)),
      name,
    ).toHaveLength(1);
  }
});

test('a signal after the end keeps the exit code', () => {
  const program = `
    import { listen } from '${join(import.meta.dirname, '../../src/cli/interrupt.ts')}';
    import { endWith } from '${join(import.meta.dirname, '../../src/cli/own-exit.ts')}';
    listen({ interrupted: () => undefined, of: () => 5 }, console.error);
    endWith(3);
    process.kill(process.pid, 'SIGQUIT');
    setTimeout(() => undefined, 20_000);`;
  expect(spawnSync(process.execPath, ['--input-type=module', '--eval', program]).status).toBe(3);
});

test('the first Ctrl-C aborts, the second names what is still being undone', () => {
  const said: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(text));
  const healing = new Map([
    [0, 'node-kill on worker1'],
    [1, 'lock-table on coordinator'],
  ]);
  const interrupt = interruptibleRun({ healing });
  try {
    process.emit('SIGINT', 'SIGINT');
    expect(interrupt.signal.reason).toMatchObject({ message: 'interrupted by SIGINT', code: 'interrupted' });
    process.emit('SIGINT', 'SIGINT');
    healing.clear();
    process.emit('SIGTERM', 'SIGTERM');
  } finally {
    interrupt.stop();
  }
  expect(said).toEqual([
    'SIGINT: healing, releasing the cluster, writing the report',
    'still undoing node-kill on worker1, lock-table on coordinator; this cannot be skipped, but has a time limit',
    'still releasing the cluster; this cannot be skipped, but has a time limit',
  ]);
});
