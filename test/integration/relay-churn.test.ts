/** Relays that end in the middle of their work. Nothing is measured, so the processor time that others leave will do. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { local } from '../../src/platforms/local.ts';

const lacking = await local.lacking?.('network-rules');

test.skipIf(lacking !== undefined)(
  'a relay ends in the middle of its work, again and again, and the process goes on',
  () => {
    const script = join(import.meta.dirname, '../support/relay-churn.ts');
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      timeout: 90_000,
    });
    expect({ status, signal, stdout }, stderr.slice(0, 2_000)).toEqual({
      status: 0,
      signal: null,
      stdout: 'went on\n',
    });
  },
);
