/** The scenario that puts one set of workers to the test: its text, as an author would write it. Pure. */

import type { NodeName } from '../model/topology.ts';
import type { Shape } from './tolerance/layouts.ts';

/** So many keys for each partition that every partition gets one by its hash. */
const KEYS_PER_PARTITION = 24;
/**
 * A second for the cluster to notice, then the deadline of a probe, and the time in which probes are counted. Where
 * nodes say at once that they are down, the next run's own steady state shows that service is as before.
 */
const AT_ONCE = { deadline: '300ms', lasts: '1400ms', settle: '100ms' };
/** A read may ask several nodes one after the other whose names do not resolve, each for a second. */
const PATIENT = { deadline: '3s', lasts: '5s', settle: '30s' };
/** A name with every worker of a large set would be none. */
const MAX_NAMED = 6;

export interface ProofScenarioOptions {
  readonly down: readonly NodeName[];
  /** Which of the proof's sets it is, from 1. */
  readonly number: number;
  readonly shape: Shape;
  readonly fault: string;
  readonly platform: string;
  readonly engine: string;
  /** Of the platform: nodes that are down say so at once, and no wait is needed. */
  readonly refusesWhenDown: boolean;
  /** The cluster that stands, where it is proven; by default one is made for the proof. */
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
# So light that what is seen is the loss. The probes ask every partition.
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
