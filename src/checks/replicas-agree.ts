/** After healing, every placement of a partition holds the same messages, each once and with the right content. */

import { z } from 'zod';
import { type Divergence, divergenceOf, earlyDivergenceOf, notRead } from '../measure/final-reads.ts';
import { describeStill, stillPrepared } from '../measure/late-writes.ts';
import { placementOf, wordOf } from '../measure/partitions.ts';
import { MAX_WITNESSES } from '../measure/witnesses.ts';
import type { EventOf } from '../model/event.ts';
import { eventsOf } from '../model/history.ts';
import { partitionNamed, partitionWordOf } from '../model/partition-words.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

type PlacementRead = EventOf<'placement-read'>;

export const replicasAgree = defineCheck<z.output<typeof params>>({
  name: 'replicas-agree',
  summary: 'After healing, every placement of a partition holds the same messages.',
  unknownWhen:
    'a placement could not be read; no partition has two placements; none holds a message; or they still differed when the time was over.',
  params,
  requires: ['copies'],
  provenByPart: true,

  hopeless(_, { replication, partitionWord }) {
    return replication === 1
      ? `every ${partitionWordOf(partitionWord)} has one copy: there is nothing to compare`
      : undefined;
  },

  check(history) {
    const word = wordOf(history);
    const every = word === undefined ? 'copy' : `placement of a ${word}`;
    const expected = `every ${every} holds the same messages, each once and intact`;
    const partitions = placementOf(history)?.partitions;
    if (!partitions) return { judgement: 'unknown', expected, observed: 'the cluster was never formed', evidence: [] };

    const reads = Map.groupBy(eventsOf(history, 'placement-read'), (event) => event.partition);
    const unread = partitions.flatMap(({ name, copies: placements }) =>
      placements
        .filter((node) => !reads.get(name)?.some((event) => event.node === node))
        .map((node) => `${node}/${name}`),
    );
    const odd = [...reads.values()].flat().flatMap((read) => describeOddRows(read, word));
    const { partitions: differing, all } = divergenceOf(history);
    const early = earlyDivergenceOf(history);
    const evidence = [
      ...differing.flatMap(({ lines }) => lines).slice(0, MAX_WITNESSES),
      ...odd.slice(0, MAX_WITNESSES),
      ...all.lookAgain(history),
      ...notRead(unread),
      ...early.map(
        (partition) => `${inWords(partition, word).replace(/differs?/, 'differed')} while transactions were prepared`,
      ),
      ...eventsOf(history, 'final-read-failed').map(({ source, error }) => `final read of ${source} failed: ${error}`),
    ];
    const found = (judgement: Judgement, observed: string) => ({ judgement, expected, observed, evidence });

    const parts = differing.map((one) => inWords(one, word));
    if (differing.length > 0 && odd.length === 0 && differing.every(({ inDoubt }) => inDoubt)) {
      return found('unknown', `${parts.join(', ')}, and ${describeStill(stillPrepared(history))}`);
    }
    if (odd.length > 0) parts.push(`${formatCount(odd.length, 'message')} doubled or corrupted on a placement`);
    if (parts.length > 0) return found('fail', parts.join(', '));
    const keys = [...reads.values()].flat().reduce((sum, { read }) => sum + read.rows, 0);
    const untested =
      partitions.length === 0
        ? `there is no ${partitionWordOf(word)}`
        : partitions.every(({ copies: placements }) => placements.length < 2)
          ? `every ${partitionWordOf(word)} has one placement: there is nothing to compare`
          : unread.length === 0 && keys === 0 && history.run.messages > 0
            ? `no placement holds any of ${formatCount(history.run.messages, 'message')}`
            : undefined;
    if (untested) return found('unknown', untested);
    if (unread.length > 0) return found('unknown', `${formatCount(unread.length, 'placement')} could not be read`);
    const compared = eventsOf(history, 'replicas-compared').at(-1);
    if (compared && !compared.agree) {
      const observed = `they agree in the final reads, but still differed ${formatDuration(compared.waitedMs)} after the load stopped`;
      return found('unknown', observed);
    }
    const waitedMs = eventsOf(history, 'replicas-compared').find(({ agree }) => agree)?.waitedMs;
    const after = waitedMs === undefined ? '' : `, ${formatDuration(waitedMs)} after the load stopped`;
    const placements = partitions.reduce((sum, partition) => sum + partition.copies.length, 0);
    const doubt = early.length === 0 ? undefined : eventsOf(history, 'recovery-ended').at(-1);
    const until =
      doubt === undefined
        ? ''
        : `; they differed for ${formatDuration(doubt.waitedMs)}, until prepared transactions ended`;
    const copies =
      word === undefined
        ? formatCount(placements, 'copy', 'copies')
        : `${formatCount(placements, 'placement')} of ${formatCount(partitions.length, word)}`;
    return found('pass', `all ${copies} agree${after}${until}`);
  },
});

function inWords({ partition, count }: Divergence, word: string | undefined): string {
  return `${partitionNamed(word, partition)} ${word === undefined ? 'differ' : 'differs'} in ${formatCount(count, 'message')}`;
}

function describeOddRows({ node, partition, read }: PlacementRead, word: string | undefined): string[] {
  const where = `on ${node}, ${partitionNamed(word, partition)}`;
  return [
    ...read.duplicated.map((key) => `${key}: twice ${where}`),
    ...read.corrupted.map(({ key, found, expected }) => `${key}: ${where}: found ${found}; expected ${expected}`),
  ];
}
