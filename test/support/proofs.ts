/** A proof of tolerance on the embedded cluster, in a workplace of a test. */

import type { Variants } from '../../src/own-variants.ts';
import { pgquake } from '../../src/pgquake.ts';
import type { Proof } from '../../src/plan/proof.ts';
import type { ProveOptions } from '../../src/prove.ts';
import type { Workplace } from './cli.ts';

const RING = { workers: 4, replication: 2, partitions: 4 };
const NEVER = new AbortController().signal;

/**
 * Of a ring of 4 workers, one cluster and `node-kill` by default. TMPDIR has to be the workplace's.
 * @param own variants beside the shipped ones.
 */
export function toleranceProof(
  place: Workplace,
  options: ProveOptions,
  own: Variants = {},
): Promise<{ proof: Proof; folder: string }> {
  return pgquake(own).prove({
    topology: RING,
    fault: 'node-kill',
    clusters: 1,
    platform: 'local',
    engine: 'native',
    reports: place.reports,
    signal: NEVER,
    ...options,
  });
}
