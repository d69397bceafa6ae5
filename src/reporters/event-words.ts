/** A run's events in words: one wording for the live view and for the timeline of a report. */

import type { EventOf, PreparedTransaction, TimedEvent } from '../model/event.ts';
import { describeLost as describeLostThing } from '../model/loss.ts';
import { partitionsNamed, partitionsWordOf } from '../model/partition-words.ts';
import { promisedRanges } from '../model/promise.ts';
import type { Roles, SeenRole } from '../model/roles.ts';
import {
  type Access,
  entryNode,
  holderWord,
  type NodeName,
  nodeNames,
  type PartitionPrediction,
  type Topology,
} from '../model/topology.ts';
import { formatBytes, formatCount, formatDuration, formatPerSecond, formatShare } from '../model/units.ts';
import { clusterSize } from './report-words.ts';

export interface EventWords {
  /** One short word for what it belongs to: `fault`, `heal`. */
  readonly label: string;
  readonly what: string;
  /** How it was proven, or why it is so. */
  readonly detail?: string;
  readonly tone: 'plain' | 'strike' | 'good' | 'bad';
}

export interface NarratorContext {
  /** `attach`: the cluster stood before the run, and goes on standing. */
  readonly topology: Topology & { readonly attach?: string | undefined };
  readonly plannedActs: number;
}

interface Act {
  readonly fault: string;
  readonly targets: string;
  readonly only: NodeName | undefined;
  readonly askedAt: number;
  healAskedAt?: number;
}

/** Tells the events of one run; remembers what an act is and when it was asked for. Text is not escaped. */
export class EventNarrator {
  readonly #context: NarratorContext;
  readonly #acts = new Map<number, Act>();

  constructor(context: NarratorContext) {
    this.#context = context;
  }

  /** @returns `undefined` for an event that a person need not see. */
  words(event: TimedEvent): EventWords | undefined {
    switch (event.type) {
      case 'phase-started':
        return this.#phase(event.phase);
      case 'platform-chosen': {
        const what = event.engine === 'auto' ? event.platform : `${event.platform}, engine ${event.engine}`;
        return { label: 'platform', what, detail: event.reason, tone: 'plain' };
      }
      case 'cluster-formed': {
        const what = `cluster of ${formatCount(event.nodes.length, 'server')} ready, engine ${event.engine}`;
        return { label: 'form', what, tone: 'good' };
      }
      case 'targets-picked': {
        const picks = event.acts.map(({ fault, targets, picked }) => `${fault} ${targets.join(', ')} (${picked})`);
        return {
          label: 'pick',
          what: `targets, now that the ${partitionsWordOf(this.#context.topology.partitionWord)} are placed`,
          detail: picks.join('; '),
          tone: 'plain',
        };
      }
      case 'predicted':
        return plain(
          'predict',
          `with ${describeLost(event)}: ${describePrediction(event.partitions, this.#context.topology.partitionWord)}`,
        );
      case 'promised': {
        const { lost, promise } = event;
        const reasons = [...promise.writesOut, promise.lost, promise.twoPrimaries].map(({ why }) => why);
        return {
          label: 'promise',
          what: `with ${lost.map(describeLostThing).join(', ')}: ${promisedRanges(promise)}`,
          detail: [...new Set(reasons)].join('; '),
          tone: 'plain',
        };
      }
      case 'fault-asked': {
        const targets = event.targets.join(', ');
        const only = event.targets.length === 1 ? event.targets[0] : undefined;
        this.#acts.set(event.act, { fault: event.fault, targets, only, askedAt: event.at });
        const detail = event.picked === undefined ? {} : { detail: event.picked };
        return { label: 'fault', what: `${event.fault} ${targets} asked`, ...detail, tone: 'strike' };
      }
      case 'fault-in-effect':
      case 'fault-failed':
      case 'fault-met':
      case 'fault-met-failed':
      case 'heal-asked':
      case 'healed':
      case 'heal-failed':
        return this.#ofAct(event);
      case 'load-kept': {
        const unsent = event.unsent === 0 ? 'all sent' : `${formatCount(event.unsent, 'operation')} not sent`;
        const what = event.of === 'probes' ? 'probes' : 'load';
        return plain('settle', `${what} stopped: ${formatCount(event.intended, 'operation')} intended, ${unsent}`);
      }
      case 'pressure': {
        const { ok, failed, forMs } = event;
        return plain(
          'settle',
          `pressure: ${formatCount(ok, 'operation')} ok (${formatPerSecond(ok, forMs)}), ${failed} failed`,
        );
      }
      case 'replicas-compared': {
        const when = `${formatDuration(event.waitedMs)} after the load stopped`;
        return event.agree
          ? {
              label: 'settle',
              what: `${this.#copies()} agree ${when}`,
              tone: 'good',
            }
          : { label: 'settle', what: `placements still differ ${when}`, tone: 'bad' };
      }
      case 'healing-verified': {
        const { left, advice } = event;
        if (left.length === 0) {
          return { label: 'heal', what: 'replication has caught up, no prepared transaction is left', tone: 'good' };
        }
        const detail = [...left, ...(advice === undefined ? [] : [advice])].join('; ');
        return { label: 'heal', what: 'the cluster is NOT whole after healing', detail, tone: 'bad' };
      }
      case 'recovery-awaited': {
        const { preparedTransactions, limitMs, thenAskedForMs } = event;
        const then =
          thenAskedForMs === undefined
            ? ''
            : `, and ${formatDuration(thenAskedForMs)} more once the engine is asked to end them`;
        const what = `waiting for ${describePrepared(preparedTransactions)} to end, at most ${formatDuration(limitMs)}${then}`;
        return { label: 'reads', what, tone: 'bad' };
      }
      case 'recovery-ended': {
        const { ended, left, waitedMs, askedAt, error } = event;
        const asked = askedAt === undefined ? '' : ', the last of them when the engine was asked to';
        const what =
          left.length === 0
            ? `${formatCount(ended.length, 'prepared transaction')} ended within ${formatDuration(waitedMs)}${asked}`
            : `${describePrepared(left)} left after ${formatDuration(waitedMs)}`;
        return {
          label: 'reads',
          what,
          ...(error === undefined ? {} : { detail: error }),
          tone: left.length === 0 ? 'good' : 'bad',
        };
      }
      case 'leftovers': {
        const { preparedTransactions, idleSlots = [] } = event;
        const left = [
          ...(preparedTransactions.length > 0
            ? [formatCount(preparedTransactions.length, 'prepared transaction')]
            : []),
          ...(idleSlots.length > 0 ? [formatCount(idleSlots.length, 'idle replication slot')] : []),
        ];
        if (left.length === 0) return plain('reads', 'no prepared transaction and no idle replication slot is left');
        const nodes = [...new Set([...preparedTransactions, ...idleSlots].map(({ node }) => node))].join(', ');
        return { label: 'reads', what: `${left.join(' and ')} left`, detail: nodes, tone: 'bad' };
      }
      case 'work-of-workers': {
        const what = event.workers.map(({ node, reads, writes }) => `${node} ${reads} and ${writes}`).join(', ');
        return plain('steady', `reads and writes served: ${what}`);
      }
      case 'storage': {
        const all = event.copies.reduce((sum, { bytes }) => sum + bytes, 0);
        const what = `${formatCount(event.copies.length, 'placement')} take ${formatBytes(all)}`;
        return plain('storage', `${what}, one copy on one server ${formatBytes(event.oneCopyBytes)}`);
      }
      case 'read-scaling': {
        const steps = event.steps.map(
          ({ workers, ok, forMs }) => `${formatCount(workers, 'worker')} ${formatPerSecond(ok, forMs)}`,
        );
        return plain('scaling', `reads as fast as can be: ${steps.join(', ')}`);
      }
      case 'observation-failed':
        return { label: 'observe', what: `${event.observation} not observed`, detail: event.error, tone: 'bad' };
      case 'repair':
        return plain('repair', `what to do if ${event.away.join(', ')} stayed away: see "Repair" in the report`);
      case 'final-read-failed':
        return { label: 'reads', what: `${event.source} could not be read`, detail: event.error, tone: 'bad' };
      case 'reclaimed': {
        const { of, removed, undone = [] } = event;
        if (undone.length > 0) {
          const what = `what ${of} had left broken on a cluster that stands is healed`;
          return { label: 'heal', what, detail: undone.join('; '), tone: 'good' };
        }
        const what = `cluster that ${of} had left behind is removed`;
        return { label: 'heal', what, detail: removed.join('; '), tone: 'good' };
      }
      case 'reclaim-failed': {
        const what = `cluster that ${event.of} had left behind is NOT removed; see pgquake heal`;
        return { label: 'heal', what, detail: event.error, tone: 'bad' };
      }
      case 'load-fitted': {
        const rates = event.kinds.map(({ name, ratePerSecond }) => `${name} ${ratePerSecond}/s`).join(', ');
        return {
          label: 'ramp',
          what: `a smaller load goes on, ${formatShare(event.share)} of the scenario's`,
          detail: rates,
          tone: 'bad',
        };
      }
      case 'node-changed':
        return {
          label: 'node',
          what: `${event.node} is ${event.to}, and not by pgquake; it was ${event.from} ${formatDuration(event.at - event.sinceMs)} before`,
          detail: event.detail,
          tone: 'bad',
        };
      case 'roles-seen':
        return plain('roles', describeRoles(event.roles));
      case 'failover':
        return this.#failover(event);
      case 'witness-saw': {
        const what = event.role === 'primary' ? `accepts writes${onTimeline(event)}` : 'answers as a standby';
        return plain('witness', `${event.node} ${what}`);
      }
      case 'guard-tripped':
        return { label: 'stop', what: 'a guard ended the faults', detail: event.reason, tone: 'bad' };
      case 'interrupted':
        return { label: 'stop', what: 'interrupted', detail: event.reason.replace(/^interrupted /, ''), tone: 'bad' };
      case 'run-failed':
        return { label: 'error', what: 'the run failed', detail: event.error, tone: 'bad' };
      // An end of a phase is the start of the next; the final reads are told by the checks.
      case 'phase-ended':
      case 'final-read':
      case 'placement-read':
      case 'read-in-doubt':
      case 'fork-read':
      case 'witness-kept':
      case 'witness-read':
      case 'probes-read':
      // Once a second: too many for people; the check host-kept-up tells them.
      case 'host':
        return undefined;
    }
  }

  #failover({ step, from, to, detail }: EventOf<'failover'>): EventWords {
    const what = {
      noticed: `primary ${from} does not answer`,
      elected: `${to} is to take the place of ${from}`,
      promoted: `${to} is primary`,
      'gave-up': `nobody takes the place of ${from}`,
    }[step];
    const tone = { noticed: 'strike', elected: 'plain', promoted: 'good', 'gave-up': 'bad' } as const;
    return { label: 'failover', what, detail, tone: tone[step] };
  }

  /** All of them, of whatever the rows are divided into. */
  #copies(): string {
    const word = this.#context.topology.partitionWord;
    return word === undefined ? 'all copies' : `placements of every ${word}`;
  }

  #phase(phase: Extract<TimedEvent, { type: 'phase-started' }>['phase']): EventWords | undefined {
    const { topology, plannedActs } = this.#context;
    const entry = entryNode(topology);
    switch (phase) {
      case 'provision':
        return topology.attach === undefined
          ? plain('provision', `${formatCount(nodeNames(topology).length, 'server')} are started`)
          : plain('provision', `the cluster ${topology.attach} stands; its servers are asked whether they are well`);
      case 'form': {
        if (topology.partitionWord === undefined) return plain('form', clusterSize(topology));
        const copies = `on ${formatCount(topology.replication, holderWord(topology))}${topology.replication > 1 ? ' each' : ''}`;
        return plain('form', `${formatCount(topology.partitions, topology.partitionWord)} ${copies}`);
      }
      case 'ramp':
        return plain('ramp', 'the load rises to its rates');
      case 'steady-state':
        return plain('steady', 'load without faults');
      case 'fault':
        return plannedActs === 0 ? plain('fault', 'none planned; the load goes on') : undefined;
      case 'settle':
        return plain('settle', 'load goes on until service is as before');
      case 'final-reads':
        return plain(
          'reads',
          entry === undefined
            ? 'every row by the route that writes take, and of every copy'
            : `every row through the ${entry}, and of every placement`,
        );
      case 'dispose':
        return topology.attach === undefined
          ? plain('dispose', 'servers are stopped and removed')
          : plain('dispose', `the cluster ${topology.attach} is let go of, and goes on running`);
    }
  }

  #ofAct(
    event: Extract<
      TimedEvent,
      {
        type:
          | 'fault-in-effect'
          | 'fault-failed'
          | 'fault-met'
          | 'fault-met-failed'
          | 'heal-asked'
          | 'healed'
          | 'heal-failed';
      }
    >,
  ): EventWords {
    const act = this.#acts.get(event.act);
    const targets = act?.targets ?? `act ${event.act + 1}`;
    const fault = act ? `${act.fault} ${targets}` : targets;
    const after = (sinceMs: number | undefined) =>
      sinceMs === undefined ? '' : ` after ${formatDuration(event.at - sinceMs)}`;
    switch (event.type) {
      case 'fault-in-effect': {
        const what = `${fault} in effect${after(act?.askedAt)}`;
        return { label: 'fault', what, detail: withoutName(event.proof, act?.only), tone: 'strike' };
      }
      case 'fault-failed':
        return { label: 'fault', what: `${fault} did not take effect`, detail: event.error, tone: 'bad' };
      case 'fault-met': {
        const counts = Object.entries(event.counts);
        const idle = counts.filter(([, count]) => count === 0).map(([node]) => node);
        if (idle.length > 0) {
          return { label: 'fault', what: `${fault}: no ${event.of} met it on ${idle.join(', ')}`, tone: 'bad' };
        }
        return plain('fault', `${fault} had met ${counts.reduce((sum, [, count]) => sum + count, 0)} ${event.of}`);
      }
      case 'fault-met-failed':
        return {
          label: 'fault',
          what: `${fault}: what it had met could not be seen`,
          detail: event.error,
          tone: 'bad',
        };
      case 'heal-asked':
        if (act) act.healAskedAt = event.at;
        return plain('heal', `${targets} asked to come back`);
      case 'healed': {
        const what = `${targets} back${after(act?.healAskedAt)}`;
        return { label: 'heal', what, detail: withoutName(event.proof, act?.only), tone: 'good' };
      }
      case 'heal-failed':
        return { label: 'heal', what: `${targets} NOT healed`, detail: event.error, tone: 'bad' };
    }
  }
}

/** `401 prepared transactions on worker1 and worker2`. */
function describePrepared(prepared: readonly PreparedTransaction[]): string {
  const nodes = [...new Set(prepared.map(({ node }) => node))].sort();
  return `${formatCount(prepared.length, 'prepared transaction')} on ${nodes.join(', ')}`;
}

/** `pg1 primary (timeline 1), pg2 and pg3 standby`. */
function describeRoles(roles: Roles): string {
  const words = ({ role, timeline, state }: SeenRole) => {
    const more = [
      ...(role === 'primary' && timeline !== undefined ? [`timeline ${timeline}`] : []),
      ...(role !== 'primary' && state !== undefined && state !== 'streaming' ? [state] : []),
    ];
    return `${role === 'unknown' ? 'does not answer' : role}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
  };
  const byWords = Map.groupBy(Object.keys(roles), (name) => words(roles[name] as SeenRole));
  const plural = (said: string) => said.replace(/^does not/, 'do not');
  return [...byWords]
    .map(([said, names]) => `${names.join(' and ')} ${names.length > 1 ? plural(said) : said}`)
    .join(', ');
}

function plain(label: string, what: string): EventWords {
  return { label, what, tone: 'plain' };
}

/** A proof names its node; where there is but one, it was just named. */
function withoutName(proof: string, node: NodeName | undefined): string {
  return node !== undefined && proof.startsWith(`${node}: `) ? proof.slice(node.length + 2) : proof;
}

function onTimeline({ timeline }: { readonly timeline?: number }): string {
  return timeline === undefined ? '' : ` on timeline ${timeline}`;
}

/** `worker1 down`, `worker1 down and worker2 frozen`. */
function describeLost({ down, frozen = [] }: EventOf<'predicted'>): string {
  const part = (nodes: readonly NodeName[], word: string) =>
    nodes.length === 0 ? [] : [`${nodes.join(', ')} ${word}`];
  return [...part(down, 'down'), ...part(frozen, 'frozen')].join(' and ');
}

function describePrediction(partitions: readonly PartitionPrediction[], word: string | undefined): string {
  const named = (which: (partition: PartitionPrediction) => boolean) => {
    const chosen = partitions.filter(which).map(({ partition }) => partition);
    if (chosen.length === partitions.length) return `all ${word === undefined ? 'rows' : partitionsWordOf(word)}`;
    if (chosen.length === 0) return `no ${word ?? 'row'}`;
    return partitionsNamed(word, chosen);
  };
  const outMs = Math.max(0, ...partitions.map((partition) => partition.outMs ?? 0));
  const again = outMs === 0 ? '' : ` within ${formatDuration(outMs)}`;
  const readable = named((partition) => partition.readable);
  const writable = named((partition) => partition.writable);
  const served =
    readable === writable
      ? `${readable} readable and writable${again}`
      : `${readable} readable, ${writable} writable${again}`;
  const stalled = (access: Access) => (partition: PartitionPrediction) => partition.stalled?.includes(access) === true;
  const reads = named(stalled('read'));
  const writes = named(stalled('write'));
  if (partitions.every(({ stalled: waiting = [] }) => waiting.length === 0)) return served;
  if (reads === writes) return `${served}; reads and writes of ${reads} stall`;
  return `${served}; reads of ${reads} and writes of ${writes} stall`;
}
