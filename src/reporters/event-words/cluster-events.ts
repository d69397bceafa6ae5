/** Words for phases, the cluster, its roles and the end of the run. */

import type { EventOf, TimedEvent } from '../../model/event.ts';
import { describeLost as describeLostThing } from '../../model/loss.ts';
import { partitionsNamed, partitionsWordOf } from '../../model/partition-words.ts';
import { promisedRanges } from '../../model/promise.ts';
import type { Roles, SeenRole } from '../../model/roles.ts';
import {
  type Access,
  entryNode,
  holderWord,
  type NodeName,
  nodeNames,
  type PartitionPrediction,
} from '../../model/topology.ts';
import { formatCount, formatDuration } from '../../model/units.ts';
import type { EventWords } from '../event-words.ts';
import { clusterSize } from '../report-words.ts';
import { silent, type TellingContext, type Tellings, tell } from './telling.ts';

type ClusterEvent = Extract<
  TimedEvent,
  {
    readonly type:
      | `phase-${string}`
      | 'platform-chosen'
      | 'cluster-formed'
      | 'targets-picked'
      | 'predicted'
      | 'promised'
      | 'healing-verified'
      | 'repair'
      | 'reclaimed'
      | 'reclaim-failed'
      | 'node-changed'
      | 'roles-seen'
      | 'failover'
      | 'witness-saw'
      | 'guard-tripped'
      | 'interrupted'
      | 'run-failed';
  }
>;

export const clusterTellings = {
  'phase-started': ({ phase: started }, context) => phase(started, context),
  // The end of a phase is the start of the next one.
  'phase-ended': silent,
  'platform-chosen': ({ platform, engine, reason }) =>
    tell('platform', 'plain', engine === 'auto' ? platform : `${platform}, engine ${engine}`, reason),
  'cluster-formed': ({ nodes, engine }) =>
    tell('form', 'good', `cluster of ${formatCount(nodes.length, 'server')} ready, engine ${engine}`),
  'targets-picked': ({ acts }, { topology: { partitionWord } }) => {
    const picks = acts.map(({ fault, targets, picked }) => `${fault} ${targets.join(', ')} (${picked})`);
    return tell(
      'pick',
      'plain',
      `targets picked, now that the ${partitionsWordOf(partitionWord)} are placed`,
      picks.join('; '),
    );
  },
  predicted: (event, { topology: { partitionWord } }) =>
    tell('predict', 'plain', `with ${describeLost(event)}: ${describePrediction(event.partitions, partitionWord)}`),
  promised: ({ lost, promise }) => {
    const reasons = [...promise.writesOut, promise.lost, promise.twoPrimaries].map(({ why }) => why);
    const what = `with ${lost.map(describeLostThing).join(', ')}: ${promisedRanges(promise)}`;
    return tell('promise', 'plain', what, [...new Set(reasons)].join('; '));
  },
  'healing-verified': ({ left, advice }) => {
    if (left.length === 0) return tell('heal', 'good', 'replication has caught up, no prepared transaction is left');
    const detail = [...left, ...(advice === undefined ? [] : [advice])].join('; ');
    return tell('heal', 'bad', 'the cluster is NOT whole after healing', detail);
  },
  repair: ({ away }) =>
    tell(
      'repair',
      'plain',
      `if ${away.join(', ')} ${away.length === 1 ? 'stays' : 'stay'} away: see "Repair" in the report`,
    ),
  reclaimed: ({ of, removed, undone = [] }) =>
    undone.length > 0
      ? tell('heal', 'good', `healed what ${of} had left broken on an existing cluster`, undone.join('; '))
      : tell('heal', 'good', `removed the cluster that ${of} had left behind`, removed.join('; ')),
  'reclaim-failed': ({ of, error }) =>
    tell('heal', 'bad', `could NOT remove the cluster that ${of} had left behind; see "pgquake heal"`, error),
  'node-changed': ({ node, to, from, at, sinceMs, detail }) => {
    const before = `it was ${from} ${formatDuration(at - sinceMs)} earlier`;
    return tell('node', 'bad', `${node} is ${to}, and pgquake did not do it; ${before}`, detail);
  },
  'roles-seen': ({ roles }) => tell('roles', 'plain', describeRoles(roles)),
  failover: ({ step, from, to, detail }) => {
    const what = {
      noticed: `the manager has lost the primary ${from}`,
      elected: `${to} is to replace ${from}`,
      promoted: `${to} is primary`,
      'gave-up': `no node replaces ${from}`,
    };
    const tone = { noticed: 'strike', elected: 'plain', promoted: 'good', 'gave-up': 'bad' } as const;
    return tell('failover', tone[step], what[step], detail);
  },
  'witness-saw': (event) => {
    const what = event.role === 'primary' ? `accepts writes${onTimeline(event)}` : 'answers as a standby';
    return tell('witness', 'plain', `${event.node} ${what}`);
  },
  'guard-tripped': ({ reason }) => tell('stop', 'bad', 'a guard ended the faults', reason),
  interrupted: ({ reason }) =>
    tell('stop', 'bad', reason.startsWith('interrupted') ? reason : `interrupted: ${reason}`),
  'run-failed': ({ error }) => tell('error', 'bad', 'the run failed', error),
} satisfies Tellings<ClusterEvent['type']>;

function phase(
  phase: EventOf<'phase-started'>['phase'],
  { topology, plannedActs }: TellingContext,
): EventWords | undefined {
  const entry = entryNode(topology);
  switch (phase) {
    case 'provision':
      return topology.attach === undefined
        ? tell('provision', 'plain', `starting ${formatCount(nodeNames(topology).length, 'server')}`)
        : tell('provision', 'plain', `checking the servers of the cluster ${topology.attach}`);
    case 'form': {
      if (topology.partitionWord === undefined) return tell('form', 'plain', clusterSize(topology));
      const copies = `on ${formatCount(topology.replication, holderWord(topology))}${topology.replication > 1 ? ' each' : ''}`;
      return tell('form', 'plain', `${formatCount(topology.partitions, topology.partitionWord)} ${copies}`);
    }
    case 'ramp':
      return tell('ramp', 'plain', 'the load rises to its full rate');
    case 'steady-state':
      return tell('steady', 'plain', 'load without faults');
    case 'fault':
      return plannedActs === 0 ? tell('fault', 'plain', 'none planned; the load continues') : undefined;
    case 'settle':
      return tell('settle', 'plain', 'the load runs until service is normal, or the limit');
    case 'final-reads':
      return tell(
        'reads',
        'plain',
        entry === undefined
          ? 'reading all rows via the route of the writes and each copy'
          : `reading all rows via the ${entry} and each placement`,
      );
    case 'dispose':
      return topology.attach === undefined
        ? tell('dispose', 'plain', 'stopping and removing the servers')
        : tell('dispose', 'plain', `detaching from the cluster ${topology.attach}, which keeps running`);
  }
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
      ? `${readable} readable ${readable.startsWith('no ') ? 'or' : 'and'} writable${again}`
      : `${readable} readable, ${writable} writable${again}`;
  const stalled = (access: Access) => (partition: PartitionPrediction) => partition.stalled?.includes(access) === true;
  const reads = named(stalled('read'));
  const writes = named(stalled('write'));
  if (partitions.every(({ stalled: waiting = [] }) => waiting.length === 0)) return served;
  if (reads === writes) return `${served}; reads and writes of ${reads} stall`;
  return `${served}; reads of ${reads} and writes of ${writes} stall`;
}
