/** What faults promise that strike a part of a node and leave the rest: on real Patroni, in containers and on this machine. */

import { describe, expect, test } from 'vitest';
import { faults as shipped } from '../../src/catalog.ts';
import { type FaultCase, faultContract } from '../../src/contract.ts';
import { patroni } from '../../src/engines/patroni.ts';
import { docker } from '../../src/platforms/docker.ts';
import { local } from '../../src/platforms/local.ts';
import { dockerMissing } from '../support/docker.ts';
import { patroniCluster, patroniMissing } from '../support/patroni.ts';
import { partOracles } from './part-oracles.ts';

const missing = await dockerMissing(import.meta.filename);
const notInstalled = await patroniMissing(import.meta.filename);
/** And the manager itself, which no other cluster of the tests can pause. */
const faults = shipped.filter(({ needs, name }) => needs.includes('node-parts') || name === 'manager-paused');

test('every fault that strikes a part of a node, or its manager, has an oracle', () => {
  expect(Object.keys(partOracles).sort()).toEqual(faults.map(({ name }) => name).sort());
});

/** For the others Patroni itself does most, and is slow. */
const ON_THIS_MACHINE = ['agent-kill', 'agent-pause', 'server-pause', 'postmaster-pause'];

const cases = faults.flatMap((fault): FaultCase[] => {
  const oracle = partOracles[fault.name];
  return oracle ? [{ fault, oracle, on: 'primary', ...(fault.movingRoles ? { anyRole: true } : {}) }] : [];
});

describe.skipIf(missing !== undefined)('on platform docker, under Patroni', () => {
  faultContract({ platform: docker, cluster: { engine: patroni, topology: patroniCluster() }, faults: cases });
});

describe.skipIf(notInstalled !== undefined)('on platform local, under Patroni', () => {
  const here = cases
    .filter(({ fault }) => ON_THIS_MACHINE.includes(fault.name))
    .map((one) => ({ ...one, heldElsewhere: missing === undefined }));
  faultContract({ platform: local, cluster: { engine: patroni, topology: patroniCluster() }, faults: here });
});
