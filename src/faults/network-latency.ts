/** `network-latency`: what the node sends is delayed. */

import { z } from 'zod';
import { openSession } from '../cluster/open-session.ts';
import { duration } from '../model/quantities.ts';
import { withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { STATEMENT_LIMIT_MS } from './own-sessions.ts';
import { metByShaping, proveShaped, type Shaped, shapeTraffic, unshapeTraffic } from './shaped-traffic.ts';

const params = z.strictObject({
  delay: duration.prefault('100ms').describe('Delay of everything that the node sends.'),
  jitter: duration.prefault('0s').describe('By how much the delay varies, up and down.'),
});

export const networkLatency = defineFault<z.output<typeof params>, Shaped>({
  name: 'network-latency',
  summary: 'Delays what a node sends, by a fixed time and a jitter.',
  docs: {
    note: "Refused if a shaper exists already. On Docker it needs the kernel's `sch_netem`.",
    proof: 'the shaper is in force, and an answer takes at least the delay less the jitter.',
    undo: 'the shaper is removed.',
    example: ['faults:', '  - { fault: network-latency, target: worker1, delay: 50ms, jitter: 10ms, for: 5s }'],
  },
  state: 'slow network',
  params,
  needs: ['network-rules', 'network-latency'],
  inject: (targets, { delay, jitter }, context) => shapeTraffic(targets, { delayMs: delay, jitterMs: jitter }, context),

  prove(targets, { delay, jitter }, shaped) {
    return proveShaped(targets, shaped, async (node) => {
      await using session = await openSession(node, 'fault', { limitMs: STATEMENT_LIMIT_MS });
      const began = performance.now();
      await session.query('SELECT 1', [], { timeoutMs: STATEMENT_LIMIT_MS });
      const tookMs = Math.round(performance.now() - began);
      if (tookMs < delay - jitter) throw withoutEffect(node, `an answer arrived within ${tookMs} ms`);
      return `an answer took ${tookMs} ms`;
    });
  },

  met: (targets, _params, shaped) => metByShaping(targets, shaped),
  undo: unshapeTraffic,
});
