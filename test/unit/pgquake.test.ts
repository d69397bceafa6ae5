/** `pgquake()`: own variants, and their problems. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../src/catalog.ts';
import { defineCheck } from '../../src/checks/check.ts';
import { defineFault } from '../../src/faults/fault.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { oldNode } from '../../src/model/node-age.ts';
import { pgquake } from '../../src/pgquake.ts';
import { chat } from '../../src/workloads/chat.ts';
import { placeOf, workloadAt } from '../../src/workloads/workload.ts';

const nap = defineFault({
  name: 'nap',
  summary: 'Does nothing for a while.',
  params: z.strictObject({ deeply: z.boolean().default(false) }),
  needs: [],
  inject: async () => undefined,
  prove: async () => 'nothing was done',
  undo: async () => 'nothing was done',
});

const quiet = defineCheck({
  name: 'quiet',
  summary: 'Nothing was recorded.',
  params: z.strictObject({}),
  check: () => ({ judgement: 'pass', expected: 'silence', observed: 'silence', evidence: [] }),
});

const TEXT = `name: napping
summary: A worker naps.
faults: [{ fault: nap, target: worker1, for: 1s, deeply: true }]
hypothesis: [{ check: quiet }]
`;

describe('own variants', () => {
  test('work in a scenario like shipped ones', () => {
    const quake = pgquake({ faults: [nap], checks: [quiet] });
    const plan = quake.plan(quake.parse(TEXT), { seed: 7 });
    expect(plan.acts).toMatchObject([{ fault: 'nap', targets: ['worker1'], params: { deeply: true } }]);
    expect(quake.catalog.faults.length).toBe(shipped.faults.length + 1);
  });

  test('are unknown to another instance', () => {
    pgquake({ faults: [nap], checks: [quiet] });
    expect(() => pgquake().parse(TEXT)).toThrow(/there is no fault "nap"/);
  });

  test.each([
    [{ faults: [{ ...nap, name: 'node-kill' }] }, 'the fault "node-kill" has the name of one that pgquake ships'],
    [{ checks: [quiet, quiet] }, 'the check "quiet" has the name of another of yours'],
    [{ workloads: [{ ...chat }] }, 'the workload "chat" has the name of one that pgquake ships'],
  ])('are refused where a name is taken', (own, message) => {
    expect(() => pgquake(own)).toThrow(message);
  });
});

describe('a workload in another thread', () => {
  test.each(shipped.workloads.map((workload) => [workload.name, workload] as const))(
    '%s is found',
    async (_, workload) => {
      const place = await placeOf(workload);
      expect((await workloadAt(place)).name).toBe(workload.name);
    },
  );

  test.each([
    ['which does not export it', { ...chat, name: 'other' }, /the workload other is not exported by its source file:/],
    [
      'which is not there',
      { ...chat, source: 'file:///nowhere/w.js' },
      /the workload chat cannot be loaded from its source/,
    ],
  ])('is refused with a source %s', async (_, workload, message) => {
    await expect(placeOf(workload)).rejects.toMatchObject({
      code: 'workload-not-exported',
      message: expect.stringMatching(message),
    });
  });
});

describe('names', () => {
  const on = (cluster: string) =>
    pgquake().parse(`name: on\nsummary: On.\n${cluster}\nhypothesis: [{ check: healed }]\n`);

  test.each(['platform', 'engine'] as const)(
    'of a %s are held against the catalogue before anything starts',
    async (kind) => {
      const scenario = on('');
      const odd = { ...scenario, cluster: { ...scenario.cluster, [kind]: kind === 'platform' ? 'dokcer' : 'natve' } };
      await expect(pgquake().run(odd, { reports: '/nowhere' })).rejects.toMatchObject({
        code: `${kind}-unknown`,
        message: expect.stringMatching(
          /^there is no (platform "dokcer"|engine "natve"); did you mean "(docker|native)"\?$/,
        ),
      });
    },
  );
});

test('an old Node.js is refused, which would fail somewhere in a run', () => {
  const versions = Object.getOwnPropertyDescriptor(process, 'versions') as PropertyDescriptor;
  Object.defineProperty(process, 'versions', { ...versions, value: { ...process.versions, node: '20.20.2' } });
  try {
    expect(() => pgquake()).toThrow(EnvironmentError);
    expect(() => pgquake()).toThrow(/^pgquake needs Node\.js 22\.18 or newer; this is 20\.20\.2 /);
  } finally {
    Object.defineProperty(process, 'versions', versions);
  }
});

test.each([
  ['22.18.0', true],
  ['23.0.0', true],
  ['22.17.9', false],
])('Node.js %s: new enough is %s', (found, isNew) => {
  expect(oldNode(found) === undefined).toBe(isNew);
});
