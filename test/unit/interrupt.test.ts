/** What a person hears who presses Ctrl-C, and presses it again. */

import { afterEach, expect, test, vi } from 'vitest';
import { interruptibleRun } from '../../src/cli/commands/run.ts';

afterEach(() => {
  vi.restoreAllMocks();
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
