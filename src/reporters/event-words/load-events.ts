/** Words for load, observations and final reads. */

import type { PreparedTransaction, TimedEvent } from '../../model/event.ts';
import { formatBytes, formatCount, formatDuration, formatPerSecond, formatShare } from '../../model/units.ts';
import { silent, type Tellings, tell } from './telling.ts';

type LoadEvent = Extract<
  TimedEvent,
  {
    readonly type:
      | `load-${string}`
      | 'pressure'
      | 'replicas-compared'
      | `recovery-${string}`
      | 'leftovers'
      | 'work-of-workers'
      | 'storage'
      | 'read-scaling'
      | 'observation-failed'
      | `final-read${string}`
      | 'placement-read'
      | 'read-in-doubt'
      | 'fork-read'
      | `witness-${'kept' | 'read'}`
      | 'probes-read'
      | 'host';
  }
>;

export const loadTellings = {
  'load-kept': ({ unsent, of, intended }) => {
    const rest = unsent === 0 ? 'all sent' : `${formatCount(unsent, 'operation')} not sent`;
    const what = of === 'probes' ? 'probes' : 'load';
    return tell('settle', 'plain', `${what} stopped: ${formatCount(intended, 'operation')} due, ${rest}`);
  },
  'load-fitted': ({ kinds, share }) => {
    const rates = kinds.map(({ name, ratePerSecond }) => `${name} ${ratePerSecond}/s`).join(', ');
    return tell('ramp', 'bad', `continuing with a smaller load, ${formatShare(share)} of the scenario's`, rates);
  },
  pressure: ({ ok, failed, forMs }) => {
    const counts = `${formatCount(ok, 'operation')} ok (${formatPerSecond(ok, forMs)}), ${failed} failed`;
    return tell('settle', 'plain', `pressure: ${counts}`);
  },
  'replicas-compared': ({ waitedMs, agree }, { topology: { partitionWord } }) => {
    const when = `${formatDuration(waitedMs)} after the load stopped`;
    if (!agree) return tell('settle', 'bad', `placements still differ ${when}`);
    const copies = partitionWord === undefined ? 'all copies' : `placements of every ${partitionWord}`;
    return tell('settle', 'good', `${copies} agree ${when}`);
  },
  'recovery-awaited': ({ preparedTransactions, limitMs, thenAskedForMs: askedMs }) => {
    const then =
      askedMs === undefined ? '' : `, and ${formatDuration(askedMs)} more once the engine is asked to end them`;
    const what = `waiting for ${describePrepared(preparedTransactions)} to end, at most ${formatDuration(limitMs)}${then}`;
    return tell('reads', 'bad', what);
  },
  'recovery-ended': ({ ended, left, waitedMs, askedAt, error }) => {
    const asked = askedAt === undefined ? '' : ', the last of them when the engine was asked to';
    const waited = formatDuration(waitedMs);
    return left.length === 0
      ? tell(
          'reads',
          'good',
          `${formatCount(ended.length, 'prepared transaction')} ended within ${waited}${asked}`,
          error,
        )
      : tell('reads', 'bad', `${describePrepared(left)} left after ${waited}`, error);
  },
  leftovers: ({ preparedTransactions, idleSlots = [] }) => {
    const left = [
      ...(preparedTransactions.length > 0 ? [formatCount(preparedTransactions.length, 'prepared transaction')] : []),
      ...(idleSlots.length > 0 ? [formatCount(idleSlots.length, 'idle replication slot')] : []),
    ];
    if (left.length === 0)
      return tell('reads', 'plain', 'no prepared transaction and no idle replication slot is left');
    const nodes = [...new Set([...preparedTransactions, ...idleSlots].map(({ node }) => node))].join(', ');
    return tell('reads', 'bad', `${left.join(' and ')} left`, nodes);
  },
  'work-of-workers': ({ workers }) => {
    const what = workers.map(({ node, reads, writes }) => `${node} ${reads} and ${writes}`).join(', ');
    return tell('steady', 'plain', `reads and writes served: ${what}`);
  },
  storage: ({ copies, oneCopyBytes }) => {
    const all = formatBytes(copies.reduce((sum, { bytes }) => sum + bytes, 0));
    const what = `${formatCount(copies.length, 'placement')} take ${all}, one copy on one server ${formatBytes(oneCopyBytes)}`;
    return tell('storage', 'plain', what);
  },
  'read-scaling': ({ steps }) => {
    const told = steps.map(
      ({ workers, ok, forMs }) => `${formatCount(workers, 'worker')} ${formatPerSecond(ok, forMs)}`,
    );
    return tell('scaling', 'plain', `reads at full speed: ${told.join(', ')}`);
  },
  'observation-failed': ({ observation, error }) => tell('observe', 'bad', `${observation} not observed`, error),
  'final-read-failed': ({ source, error }) => tell('reads', 'bad', `${source} could not be read`, error),
  // Checks report what the final reads found.
  'final-read': silent,
  'placement-read': silent,
  'read-in-doubt': silent,
  'fork-read': silent,
  'witness-kept': silent,
  'witness-read': silent,
  'probes-read': silent,
  // One a second is too much to show; the check of the host reports them.
  host: silent,
} satisfies Tellings<LoadEvent['type']>;

/** `401 prepared transactions on worker1 and worker2`. */
function describePrepared(prepared: readonly PreparedTransaction[]): string {
  const nodes = [...new Set(prepared.map(({ node }) => node))].sort();
  return `${formatCount(prepared.length, 'prepared transaction')} on ${nodes.join(', ')}`;
}
