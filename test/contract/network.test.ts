/**
 * Network faults, beyond what every fault promises, on every platform that offers them: who is cut off from whom, and
 * what happens to a statement that is waited for.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { cannotDo } from '../../src/choose.ts';
import { sqlRefusal } from '../../src/cluster/health.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { connectionReset } from '../../src/faults/connection-reset.ts';
import type { Fault } from '../../src/faults/fault.ts';
import { networkDisconnect } from '../../src/faults/network-disconnect.ts';
import { networkDrop } from '../../src/faults/network-drop.ts';
import { networkReject } from '../../src/faults/network-reject.ts';
import { Session } from '../../src/sql/session.ts';
import { duringFault } from '../support/during-fault.ts';
import { sharded, workersOf } from '../support/sharded.ts';

// Containers are made from the image that was built for the tests, where there is one.
process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

const never = new AbortController().signal;
/** For a connection that nobody answers. */
const SILENCE_MS = 700;
const ANSWER_LIMIT_MS = 10_000;

for (const platform of shipped.platforms) {
  const missing = (await platform.unavailable())?.message ?? (await cannotDo(platform, networkDrop));
  describe.skipIf(missing !== undefined)(`on platform ${platform.name}`, () => {
    let folder: string;
    let nodes: Nodes;
    let worker1: NodeControl;
    let worker2: NodeControl;
    let worker3: NodeControl;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pgquake-network-'));
      nodes = await platform.provision({
        nodes: sharded({ workers: 3, replication: 1, partitions: 1 }).nodes,
        settings: {},
        runFolder: folder,
        needs: new Set(networkDrop.needs),
        signal: never,
      });
      [worker1, worker2, worker3] = workersOf(nodes) as [NodeControl, NodeControl, NodeControl];
    });

    afterAll(async () => {
      await nodes?.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    const during = (fault: Fault, params: object, work: () => Promise<void>) =>
      duringFault(fault, { node: worker1, nodes: nodes.all, params }, work);

    const way = (from: NodeControl, to: NodeControl, limitMs = ANSWER_LIMIT_MS) =>
      from.network?.connectTo(to.peerAddress(from.name), limitMs);

    test('a partition: cut off from the nodes named, in touch with the others and with clients', async () => {
      await during(networkDrop, { from: ['worker2', 'coordinator'] }, async () => {
        expect(await way(worker1, worker2, SILENCE_MS)).toBe(`no answer within ${SILENCE_MS} ms`);
        expect(await way(worker2, worker1, SILENCE_MS)).toBe(`no answer within ${SILENCE_MS} ms`);
        expect(await way(worker1, worker3)).toBeUndefined();
        expect(await way(worker3, worker1)).toBeUndefined();
        expect(await sqlRefusal(worker1)).toBeUndefined();
      });
      expect(await way(worker2, worker1)).toBeUndefined();
    });

    test('one way: what comes from the other node is lost, and with it every new connection', async () => {
      await during(networkDrop, { from: ['worker2'], direction: 'in' }, async () => {
        expect(await way(worker2, worker1, SILENCE_MS)).toBe(`no answer within ${SILENCE_MS} ms`);
        expect(await way(worker1, worker2, SILENCE_MS)).toBe(`no answer within ${SILENCE_MS} ms`);
      });
    });

    test('cut off from everybody, clients too; who waits is served once the fault is over', async () => {
      const options = { applicationName: 'test', connectTimeoutMs: ANSWER_LIMIT_MS };
      await using session = await Session.connect(worker1.address(), options);
      let answer: Promise<unknown> | undefined;
      await during(networkDrop, { from: 'everybody' }, async () => {
        expect(await sqlRefusal(worker1, SILENCE_MS)).toMatch(/no answer/);
        answer = session.query('SELECT 1', [], { timeoutMs: 30_000 });
        const silence = new Promise((resolve) => setTimeout(resolve, SILENCE_MS, 'silence'));
        expect(await Promise.race([answer, silence])).toBe('silence');
      });
      expect(await answer).toEqual([[1]]);
      expect(await sqlRefusal(worker1)).toBeUndefined();
    });

    test('off all networks: nobody reaches it, and it reaches nobody', async () => {
      await during(networkDisconnect, {}, async () => {
        expect(await sqlRefusal(worker1, SILENCE_MS)).toBeDefined();
        expect(await sqlRefusal(worker2)).toBeUndefined();
      });
      expect(await way(worker2, worker1)).toBeUndefined();
    });

    test('a refusal is told at once, also to those who come', async () => {
      await during(networkReject, { from: 'everybody' }, async () => {
        expect(await sqlRefusal(worker1)).toBe('ECONNREFUSED');
        expect(await way(worker2, worker1)).toBe('refused');
        expect(await way(worker1, worker2)).toBe('refused');
      });
    });

    test.each([connectionReset, networkReject])(
      'a client that waits as $name strikes gets its answer or the reset, and does not hang',
      async (fault) => {
        const options = { applicationName: 'test', connectTimeoutMs: ANSWER_LIMIT_MS };
        await using session = await Session.connect(worker1.address(), options);
        const answer = session.query('SELECT pg_sleep(3)', [], { timeoutMs: ANSWER_LIMIT_MS });
        const heard = answer.then(
          () => 'its answer',
          ({ code }) => code,
        );
        await during(fault, { from: 'everybody' }, async () => {
          expect(['its answer', 'ECONNRESET']).toContain(await heard);
        });
      },
    );

    test('a rule that waits for a statement strikes that one, and tells how often', async () => {
      const options = { applicationName: 'test', connectTimeoutMs: ANSWER_LIMIT_MS };
      const params = { from: 'everybody', direction: 'in', on: 'PREPARE TRANSACTION' };
      const words = await during(networkReject, params, async () => {
        await using spared = await Session.connect(worker1.address(), options);
        await using struck = await Session.connect(worker1.address(), options);
        expect(await spared.query(`SELECT 'PREPARED'`)).toEqual([['PREPARED']]);
        const striking = struck.query(`SELECT 'PREPARE TRANSACTION'`, [], { timeoutMs: ANSWER_LIMIT_MS });
        await expect(striking).rejects.toThrow('ECONNRESET');
        expect(await spared.query('SELECT 1')).toEqual([[1]]);
      });
      expect(words).toMatch(/^the rules are removed; they met [1-9]\d* packets$/);
    });
  });
}
