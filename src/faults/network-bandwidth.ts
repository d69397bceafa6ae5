/** `network-bandwidth`: a bottleneck slows down what the node sends. */

import { z } from 'zod';
import { bandwidth } from '../model/quantities.ts';
import { withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { askOnce } from './own-sessions.ts';
import { metByShaping, proveShaped, type Shaped, shapeTraffic, unshapeTraffic } from './shaped-traffic.ts';

/** The proof asks for an answer that takes at least this long, although a first burst passes at once. */
const MIN_PROOF_MS = 150;
const BURST_BYTES = 64_000;

const params = z.strictObject({
  rate: bandwidth.prefault('1MB/s').describe('The most that the node can send.'),
});

export const networkBandwidth = defineFault<z.output<typeof params>, Shaped>({
  name: 'network-bandwidth',
  summary: 'Limits what a node sends, in bytes per second.',
  docs: {
    note: 'Refused if a shaper exists already. On Docker, excess traffic waits up to 400 ms and is then dropped; on `local`, its sender waits.',
    proof: 'the shaper is in force, and an answer that needs 150 ms at that rate takes at least that.',
    undo: 'as for `network-latency`.',
    example: ['faults:', '  - { fault: network-bandwidth, target: worker1, rate: 200kB/s, for: 5s }'],
  },
  state: 'slow network',
  params,
  needs: ['network-rules', 'network-bandwidth'],
  inject: (targets, { rate }, context) => shapeTraffic(targets, { bytesPerSecond: rate }, context),

  prove(targets, { rate }, shaped) {
    return proveShaped(targets, shaped, async (node) => {
      const bytes = Math.ceil((rate * MIN_PROOF_MS) / 1_000) + BURST_BYTES;
      const began = performance.now();
      await askOnce(node, `SELECT repeat('x', $1::int)`, [bytes]);
      const tookMs = performance.now() - began;
      if (tookMs < MIN_PROOF_MS) throw withoutEffect(node, `${bytes} bytes arrived within ${Math.round(tookMs)} ms`);
      return `${bytes} bytes took ${Math.round(tookMs)} ms`;
    });
  },

  met: (targets, _params, shaped) => metByShaping(targets, shaped),
  undo: unshapeTraffic,
});
