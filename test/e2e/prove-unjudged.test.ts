/** Proofs that come to no verdict: by a fault that does nothing, by a cluster that does not get well, by an interrupt. */

import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../src/faults/fault.ts';
import { nodeKill } from '../../src/faults/node-kill.ts';
import { EnvironmentError, InterruptedError } from '../../src/model/errors.ts';
import { toleranceProof, workplaceOfProofs } from '../support/proofs.ts';

const here = workplaceOfProofs();

describe('faults that are not what they say', () => {
  let unhealed: ReturnType<typeof toleranceProof>;

  // A quarter of a minute passes until a node is given up; the others are tried meanwhile.
  beforeAll(() => {
    const leaving: Fault = {
      ...nodeKill,
      name: 'unhealed',
      inject: (targets) => Promise.all(targets.map((node) => node.kill())).then(() => undefined),
    };
    unhealed = toleranceProof(
      here.place,
      {
        topology: { workers: 2, replication: 2, partitions: 2 },
        fault: 'unhealed',
        reports: join(here.place.reports, 'unhealed'),
      },
      { faults: [leaving] },
    );
    unhealed.catch(() => undefined);
  });

  test('a fault without effect is not judged, and never passes', async () => {
    const idle: Fault = {
      ...nodeKill,
      name: 'idle',
      inject: async () => undefined,
      prove: async ([target]) => {
        throw new EnvironmentError(`${target?.name} still runs`, { code: 'fault-without-effect' });
      },
    };
    const { proof } = await toleranceProof(
      here.place,
      { topology: { workers: 2, replication: 2, partitions: 2 }, fault: 'idle', maxDown: 1 },
      { faults: [idle] },
    );
    expect(proof.judgement).toBe('unknown');
    expect(proof.subsets.map(({ findings }) => findings)).toEqual(
      ['worker1', 'worker2'].map((worker) =>
        expect.arrayContaining([
          `fault-took-effect: nothing was tested: idle on ${worker} did not take effect`,
          'prediction: no fault was in full effect',
        ]),
      ),
    );
    expect(proof.subsets.flatMap(({ partitions }) => partitions)).toEqual([]);
  });

  test('a cluster that does not get well again ends the proof, which then never passes', async () => {
    const { proof } = await unhealed;
    expect(proof.judgement).toBe('unknown');
    expect(proof.finding).toBe('3 of 3 sets of workers could not be judged.');
    expect(proof.subsets).toHaveLength(1);
    expect(proof.subsets[0]?.findings).toContainEqual(expect.stringMatching(/^healed: NOT HEALED: /));
  });
});

describe('a proof that is interrupted', () => {
  test('interrupted between two sets it ends with the reason and leaves nothing behind', async () => {
    const controller = new AbortController();
    const interrupted = new InterruptedError('interrupted by SIGINT', { code: 'interrupted' });
    await expect(
      toleranceProof(here.place, {
        signal: controller.signal,
        onProgress: (line) => {
          if (line.includes('1/15')) controller.abort(interrupted);
        },
      }),
    ).rejects.toBe(interrupted);
  });
});

test('none of them leaves anything behind', () => {
  expect(here.place.leftovers()).toEqual([]);
});
