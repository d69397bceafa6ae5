/** Asking nodes for their roles again and again: one that fell silent delays nobody twice. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { type Answer, Observer } from '../../src/engines/streaming/observe.ts';

const NODES = ['pg1', 'pg2'].map((name) => ({ name }) as NodeControl);
const LIMIT_MS = 400;

/** Of nodes of which some are dead: those do not answer within the limit. */
function cluster(dead: Set<string>) {
  let asked = 0;
  const observer = new Observer(NODES, async ({ name }): Promise<Answer> => {
    asked++;
    if (!dead.has(name)) return { name, state: { standby: false } as NonNullable<Answer['state']> };
    await sleep(LIMIT_MS);
    return { name, refusal: 'deadline' };
  });
  const look = async () => {
    const began = performance.now();
    const answers = await observer.answers();
    const said = answers.map(({ name, state, refusal }) => `${name} ${state ? 'answers' : refusal}`).join(', ');
    return { said, tookMs: performance.now() - began };
  };
  return { look, asked: () => asked };
}

test('a node that fell silent is waited for once', async () => {
  const { look } = cluster(new Set(['pg1']));
  const first = await look();
  expect(first.tookMs).toBeGreaterThan(0.9 * LIMIT_MS);
  const second = await look();
  expect([first.said, second.said]).toEqual(Array(2).fill('pg1 deadline, pg2 answers'));
  expect(second.tookMs).toBeLessThan(0.8 * LIMIT_MS);
});

test('it is asked once at a time, and seen again once it answers', async () => {
  const dead = new Set(['pg1']);
  const { look, asked } = cluster(dead);
  await look();
  const before = asked();
  await Promise.all([look(), look()]);
  expect(asked() - before).toBe(3);
  dead.clear();
  await sleep(LIMIT_MS);
  expect((await look()).said).toBe('pg1 answers, pg2 answers');
});
