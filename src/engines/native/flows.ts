/** Replication between the holders of a shard, by publications, slots and subscriptions. */

import type { Dataset } from '../../cluster/engine.ts';
import type { NodeControl, Nodes } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName, Partition } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import { connInfoText, quoteName, quoteTable, quoteText } from '../../sql/quote.ts';
import type { Session } from '../../sql/session.ts';
import { shardTable } from './shards.ts';
import { ask, execute, peerOptions } from './sql.ts';

const STREAMING_LIMIT_MS = 30_000;
const STREAMING_POLL_MS = 10;

/** `subscriber` receives the writes to `shards` on `publisher`. */
interface Flow {
  readonly publisher: NodeName;
  readonly subscriber: NodeName;
  readonly shards: readonly Partition[];
}

/** @returns one flow for each ordered pair of workers that share a shard. */
export function replicationFlows(shards: readonly Partition[]): Flow[] {
  const flows = new Map<string, Flow & { readonly shards: Partition[] }>();
  for (const shard of shards) {
    for (const publisher of shard.copies) {
      for (const subscriber of shard.copies) {
        if (publisher === subscriber) continue;
        const flow = flows.get(`${publisher} ${subscriber}`) ?? { publisher, subscriber, shards: [] };
        flow.shards.push(shard);
        flows.set(`${publisher} ${subscriber}`, flow);
      }
    }
  }
  return [...flows.values()];
}

/** Creates on the publisher a publication for each subscriber, and a slot that keeps changes until they are read. */
export async function publish(session: Session, flows: readonly Flow[], { tables }: Dataset): Promise<void> {
  const publications = flows.map((flow) => {
    const relations = flow.shards.flatMap((shard) => tables.map((table) => quoteTable(shardTable(table.name, shard))));
    return `CREATE PUBLICATION ${quoteName(flowName(flow))} FOR TABLE ${relations.join(', ')}`;
  });
  await execute(session, publications);
  for (const flow of flows) {
    await ask(session, `SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [flowName(flow)]);
  }
}

export async function subscribe(session: Session, flows: readonly Flow[], nodes: Nodes): Promise<void> {
  const subscriptions = flows.map((flow) => {
    const publisher = nodes.all.find(({ name }) => name === flow.publisher) as NodeControl;
    const peer = publisher.peerAddress(flow.subscriber);
    const conninfo = connInfoText({ ...peerOptions([peer]), user: peer.user, password: peer.password });
    const name = quoteName(flowName(flow));
    return `CREATE SUBSCRIPTION ${name} CONNECTION ${quoteText(conninfo)} PUBLICATION ${name}
      WITH (origin = none, copy_data = false, create_slot = false, slot_name = ${name})`;
  });
  await execute(session, subscriptions);
}

/** Waits until every subscriber of a worker is streaming. */
export async function untilFollowed(
  session: Session,
  worker: NodeName,
  subscribers: number,
  signal: AbortSignal,
): Promise<void> {
  const streaming = await until({ limitMs: STREAMING_LIMIT_MS, everyMs: STREAMING_POLL_MS, signal }, async () => {
    const [row] = await ask(session, `SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming'`);
    return Number(row?.[0]) >= subscribers ? undefined : Number(row?.[0]);
  });
  if (streaming === undefined) return;
  throw new EnvironmentError(`${streaming} of ${subscribers} subscribers follow ${worker} after 30 s`, {
    code: 'replication-not-started',
    hint: 'the logs of the servers may say why',
  });
}

/** The name of publication, slot and subscription. A slot's name allows lower case letters, digits and `_` only. */
function flowName({ publisher, subscriber }: Flow): string {
  return `${publisher}_to_${subscriber}`.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}
