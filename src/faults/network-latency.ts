/** `network-latency`: what leaves the node is late. */

import { z } from 'zod';
import { duration } from '../model/quantities.ts';
import { OBSERVER_NAMES } from '../sql/application-names.ts';
import { Session } from '../sql/session.ts';
import { defineFault } from './fault.ts';
import { STATEMENT_LIMIT_MS, withoutEffect } from './own-sessions.ts';
import { metByShaping, proveShaped, type Shaped, shapeTraffic, unshapeTraffic } from './shaped-traffic.ts';

const params = z.strictObject({
  delay: duration.prefault('100ms').describe('By how much everything is late that leaves the node.'),
  jitter: duration.prefault('0s').describe('By how much the delay varies, up and down.'),
});

export const networkLatency = defineFault<z.output<typeof params>, Shaped>({
  name: 'network-latency',
  summary: 'Delays what leaves a node, by a fixed time and a jitter.',
  state: 'slow network',
  params,
  needs: ['network-rules', 'network-latency'],
  inject: (targets, { delay, jitter }, context) => shapeTraffic(targets, { delayMs: delay, jitterMs: jitter }, context),

  prove(targets, { delay, jitter }, shaped) {
    return proveShaped(targets, shaped, async (node) => {
      const options = { applicationName: OBSERVER_NAMES.fault, connectTimeoutMs: STATEMENT_LIMIT_MS };
      await using session = await Session.connect(node.address(), options);
      const began = performance.now();
      await session.query('SELECT 1', [], { timeoutMs: STATEMENT_LIMIT_MS });
      const tookMs = Math.round(performance.now() - began);
      if (tookMs < delay - jitter) throw withoutEffect(node, `an answer came within ${tookMs} ms`);
      return `an answer took ${tookMs} ms`;
    });
  },

  met: (targets, _params, shaped) => metByShaping(targets, shaped),
  undo: unshapeTraffic,
});
