/** The witness on real servers: two that know nothing of each other are two primaries, to the row. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { nodeRoute } from '../../src/cluster/route.ts';
import { roleFigures } from '../../src/measure/roles.ts';
import { writeSpans } from '../../src/measure/write-spans.ts';
import { monotonicClock } from '../../src/model/clock.ts';
import type { NodeInfo, TimedEvent } from '../../src/model/event.ts';
import type { History } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { readOperations, WITNESS_FILE } from '../../src/operations-file.ts';
import { local } from '../../src/platforms/local.ts';
import { Recorder } from '../../src/run/recorder.ts';
import { Witness } from '../../src/run/witness.ts';
import { makeWitnessTable } from '../../src/run/witness-table.ts';
import { connect, NEVER } from '../support/local-cluster.ts';
import { coordinatorOf, sharded, workersOf } from '../support/sharded.ts';

const SERVER = { role: 'worker', address: '', version: '' } as const;

test('writes to every node, waits for one that is frozen, and knows which rows are gone', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-witness-'));
  const originNs = process.hrtime.bigint();
  const clock = monotonicClock(originNs);
  const nodes = await local.provision({
    nodes: sharded({ workers: 1, replication: 1, partitions: 1 }).nodes,
    settings: {},
    runFolder: folder,
    signal: NEVER,
  });
  try {
    const info: NodeInfo[] = nodes.all.map(({ name }) => ({ name, ...SERVER }));
    const events: TimedEvent[] = [
      {
        at: 0,
        type: 'cluster-formed',
        platform: 'local',
        engine: 'none',
        reason: 'test',
        nodes: info,
        placement: { partitions: [], partitionOfKey: {} },
      },
    ];
    const [first, second] = [coordinatorOf(nodes), workersOf(nodes)[0] as (typeof nodes.all)[number]];
    {
      await using session = await connect(second);
      await makeWitnessTable(session, 5_000);
    }
    const recorder = new Recorder(folder, clock, { load: [], probes: [] }, [{ event: (one) => void events.push(one) }]);
    {
      using _closing = recorder;
      await using witness = await Witness.prepare({
        nodes: nodes.all,
        primary: nodeRoute(first),
        witnessThread: new URL('../../src/witness-thread.ts', import.meta.url),
        recorder,
        originNs,
        signal: NEVER,
      });
      witness.start();
      await sleep(1_500);
      await second.pause();
      await sleep(2_500);
      await second.resume();
      await sleep(1_500);
      await witness.stop();
      await witness.read();
    }
    const history: History = {
      run: JSON.parse('{"kinds": [], "probes": []}'),
      events,
      operations: OperationTable.inOrder([]),
      probes: OperationTable.inOrder([]),
      witness: readOperations(join(folder, WITNESS_FILE)),
    };

    expect(events.find(({ type }) => type === 'witness-kept')).toMatchObject({ intended: history.witness?.count });
    expect(events.filter(({ type }) => type === 'witness-saw')).toMatchObject([
      { role: 'primary', timeline: 1 },
      { role: 'primary', timeline: 1 },
    ]);
    const ofSecond = writeSpans(history).filter(({ node }) => node === second.name);
    expect(ofSecond).toHaveLength(2);
    // The session that was kept is answered when the server goes on.
    const kept = [...(history.witness ?? [])].filter(
      ({ kind, partitionKey }) => kind === 'kept-write' && partitionKey === 2,
    );
    expect(new Set(kept.map(({ session }) => session)).size).toBe(1);
    expect(Math.max(...kept.map(({ sentAt, settledAt }) => settledAt - sentAt))).toBeGreaterThan(2_000);
    // Each has only its own rows: by the one that counts as the final primary, those of the other are gone.
    const { witness = [], twoPrimaries = [] } = roleFigures(history) ?? {};
    expect(witness.map(({ lost }) => lost === 0).toSorted()).toEqual([false, true]);
    for (const { acknowledged, lost } of witness) expect([0, acknowledged]).toContain(lost);
    expect(twoPrimaries.length).toBe(2);
    expect(twoPrimaries.every(({ sides }) => sides.every(({ acknowledged }) => acknowledged > 10))).toBe(true);
    expect(readFileSync(join(folder, 'events.ndjson'), 'utf8')).toContain('"witness-read"');
  } finally {
    await nodes.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
