/** Proofs of tolerance on the embedded cluster, in a workplace that the tests of a file share. */

import { afterAll, beforeAll, vi } from 'vitest';
import type { Variants } from '../../src/own-variants.ts';
import { pgquake } from '../../src/pgquake.ts';
import type { Proof } from '../../src/plan/proof.ts';
import type { ProveOptions } from '../../src/prove.ts';
import { Workplace } from './cli.ts';

const RING = { workers: 4, replication: 2, partitions: 4 };
const NEVER = new AbortController().signal;

/** For all tests of the file that calls it: what they leave is looked for at the end. */
export function workplaceOfProofs(): { readonly place: Workplace } {
  let place: Workplace | undefined;
  beforeAll(() => {
    place = new Workplace();
    vi.stubEnv('TMPDIR', place.temporary);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    place?.[Symbol.dispose]();
  });
  return {
    get place() {
      if (!place) throw new Error('the workplace is made before the first test');
      return place;
    },
  };
}

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
