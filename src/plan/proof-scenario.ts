/** Writes the scenario that tests one set of workers, as an author would write it. Pure. */

import type { NodeName } from '../model/topology.ts';
import type { Shape } from './tolerance/layouts.ts';

/** Enough keys for each partition that, with hashing, every partition gets one. */
const KEYS_PER_PARTITION = 24;
/**
 * `lasts`: a second for the cluster to notice, a probe's deadline, and the time in which probes count. `settle` may be
 * short, because the next run's steady state checks the service.
 */
const AT_ONCE = { deadline: '300ms', lasts: '1400ms', settle: '100ms' };
/** A read may try several nodes in turn whose names do not resolve, for a second each. */
const PATIENT = { deadline: '3s', lasts: '5s', settle: '30s' };
/** The scenario's name lists at most this many workers. */
const MAX_NAMED = 6;

export interface ProofScenarioOptions {
  readonly down: readonly NodeName[];
  /** The number of the set in the proof, from 1. */
  readonly number: number;
  readonly shape: Shape;
  readonly fault: string;
  readonly platform: string;
  readonly engine: string;
  /** Whether nodes that are down refuse connections at once (`Platform.refusesWhenDown`). */
  readonly refusesWhenDown: boolean;
  /** The running cluster to attach to; by default pgquake creates one for the proof. */
  readonly attach?: string | undefined;
}

/** @returns the scenario's name and its text. */
export function proofScenario(options: ProofScenarioOptions): { readonly name: string; readonly text: string } {
  const { down, number, shape, fault, platform, engine, attach } = options;
  const { deadline, lasts, settle } = options.refusesWhenDown ? AT_ONCE : PATIENT;
  const { workers, replication, partitions } = shape;
  const name = down.length > MAX_NAMED ? `proof-${number}-${down.length}-down` : `proof-${number}-${down.join('-')}`;
  const on = `platform: ${platform}, engine: ${engine}${attach === undefined ? '' : `, attach: ${attach}`}`;
  const data = attach === undefined ? `use: ledger, buckets: ${partitions * KEYS_PER_PARTITION}` : 'use: chat';
  const text = `name: ${name}
summary: With ${down.join(' and ')} down, every part is served as predicted.
cluster: { workers: ${workers}, replication: ${replication}, shards: ${partitions}, ${on} }
# A light load, so that failures come from the loss. The probes ask every partition.
workload: { ${data}, read: { rate: 8/s, deadline: 2s }, scan: { rate: 1/s, deadline: 2s }, write: { rate: 8/s, deadline: 2s } }
probes: { rate: 20/s, deadline: ${deadline} }
steady-state: { for: 300ms }
# A second for the cluster to notice, and the time in which probes are counted.
faults:
  - { fault: ${fault}, target: [${down.join(', ')}], at: 0s, for: ${lasts} }
settle: { within: ${settle} }
hypothesis:
  - { check: prediction }
  - { check: no-lost-writes }
${replication > 1 ? '  - { check: replicas-agree }\n' : ''}`;
  return { name, text };
}
