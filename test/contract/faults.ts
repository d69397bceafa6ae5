/** What every shipped fault promises, on one platform. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faults as shipped } from '../../src/catalog.ts';
import { cannotDo } from '../../src/choose.ts';
import type { Platform } from '../../src/cluster/platform.ts';
import { ask, connect } from '../../src/contract/contract-session.ts';
import { defaultsOf, type FaultBench } from '../../src/contract/fault-bench.ts';
import { faultContract } from '../../src/contract.ts';
import { backendKill } from '../../src/faults/backend-kill.ts';
import { backendTerminate } from '../../src/faults/backend-terminate.ts';
import { checkpointStorm } from '../../src/faults/checkpoint-storm.ts';
import type { Fault } from '../../src/faults/fault.ts';
import { lockTable } from '../../src/faults/lock-table.ts';
import { readOnly } from '../../src/faults/read-only.ts';
import { CLIENT_NAMES } from '../../src/sql/application-names.ts';
import { oracles } from './oracles.ts';

// Containers are made from the image that was built for the tests, where there is one.
process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

/**
 * Those for clusters whose roles move have a suite of their own, on such a cluster: `roles.test.ts`; those that strike a part
 * of a node have `parts.test.ts`.
 */
const faults = shipped.filter(({ movingRoles, needs }) => !movingRoles && !needs.includes('node-parts'));

/** @param elsewhere where faults that can be done there are held to the whole contract. */
export async function shippedFaultsOn(platform: Platform, elsewhere?: Platform): Promise<void> {
  const unavailable = (await platform.unavailable())?.message;
  const lacking = new Map<Fault, string | undefined>();
  for (const fault of faults) lacking.set(fault, unavailable ?? (await cannotDo(platform, fault)));
  const offered = faults.filter((fault) => lacking.get(fault) === undefined);
  const held = await faultsOf(elsewhere);

  test('every fault has an oracle', () => {
    expect(Object.keys(oracles).sort()).toEqual(faults.map(({ name }) => name).sort());
  });

  describe.skipIf(unavailable !== undefined)(
    `on platform ${platform.name}${unavailable ? `: ${unavailable}` : ''}`,
    () => {
      const cases = offered.flatMap((fault) => withOracle(fault));
      const contract = { platform, faults: cases.map((one) => ({ ...one, heldElsewhere: held.includes(one.fault) })) };
      const bench = faultContract(contract);
      if (held.length === 0) beyondTheContract(bench, offered);
    },
  );

  test.for(faults.filter((fault) => lacking.get(fault) !== undefined))('$name is not offered here', (fault, { skip }) =>
    skip(lacking.get(fault)),
  );
}

async function faultsOf(platform: Platform | undefined): Promise<Fault[]> {
  if (!platform || (await platform.unavailable())) return [];
  const lacking = await Promise.all(faults.map((fault) => cannotDo(platform, fault)));
  return faults.filter((_, i) => lacking[i] === undefined);
}

function withOracle(fault: Fault) {
  const oracle = oracles[fault.name];
  return oracle ? [{ fault, oracle }] : [];
}

/** By SQL and on disk alone, so the same on every platform. */
function beyondTheContract(bench: FaultBench, [some]: readonly Fault[]): void {
  // As after a crash of the process that held them, as far as the undo can tell.
  test.each<Fault>([lockTable, checkpointStorm])('$name: its undo ends sessions that nobody closed', async (fault) => {
    const { injected, undo } = bench.strike(fault);
    await injected;
    await undo();
    await bench.expectHealthy();
  });

  test('read-only: its undo puts back what stood there', async () => {
    await ask(bench.target, 'ALTER SYSTEM SET default_transaction_read_only = false');
    const { injected, heal, undo } = bench.strike(readOnly);
    await injected;
    await heal();
    await undo();
    const written = `SELECT setting, sourcefile FROM pg_file_settings WHERE name = 'default_transaction_read_only'`;
    expect(await ask(bench.target, written)).toEqual([['false', expect.stringMatching(/postgresql\.auto\.conf$/)]]);
    await ask(bench.target, 'ALTER SYSTEM RESET default_transaction_read_only');
    await bench.expectHealthy();
  });

  // Side by side: each waits 3 s in vain.
  describe.concurrent('while a session lives', () => {
    test('backend-kill: no proof while its witness lives', async () => {
      await using witness = await connect(bench.target);
      const proof = backendKill.prove([bench.target], defaultsOf(backendKill) as never, [{ pid: 1, witness }]);
      await expect(proof).rejects.toThrow(/survived/);
    });

    test('backend-terminate: no proof while a session that was told to end lives, or where there was none', async () => {
      await using client = await connect(bench.target, CLIENT_NAMES.workload);
      const [row] = await client.query(
        'SELECT pid, backend_start::text, application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()',
      );
      const told = { pid: Number(row?.[0]), since: String(row?.[1]), name: String(row?.[2]) };
      const params = defaultsOf(backendTerminate) as never;
      await expect(backendTerminate.prove([bench.target], params, [[told]])).rejects.toThrow(
        '1 of 1 sessions survived',
      );
      await expect(backendTerminate.prove([bench.target], params, [[]])).rejects.toThrow('no client had a session');
    });
  });

  test('the journal of a run that healed is closed on disk', async () => {
    const earlier = readdirSync(bench.folder);
    await bench.inject(some as Fault);
    const [run] = readdirSync(bench.folder).filter((name) => name.startsWith('run-') && !earlier.includes(name));
    const lines = readFileSync(join(bench.folder, run as string, 'undo.ndjson'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['promised', 'kept']);
  });
}
