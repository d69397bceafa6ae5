/** An existing Patroni cluster: pgquake reads its members and settings from one REST address and never changes them. */

import { z } from 'zod';
import type { Dataset, FormedCluster } from '../../cluster/engine.ts';
import type { Manager } from '../../cluster/manager.ts';
import type { NodeControl, Nodes } from '../../cluster/platform.ts';
import { type Address, hostPort, withoutBrackets } from '../../model/address.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';
import { findStreaming } from '../streaming/attached.ts';
import { unsteady } from './cluster.ts';
import { PatroniManager } from './manager.ts';
import { Rest, type RestNode } from './rest.ts';
import { settingsOf, settingsSchema, type WrittenSettings } from './settings.ts';
import type { PatroniSpec } from './spec.ts';

const ANSWER_LIMIT_MS = 5_000;
const REFUSES = 'pgquake does not change roles in a cluster that it did not create';

const clusterSchema = z.object({
  members: z.array(z.object({ name: z.string(), host: z.string(), port: z.number(), api_url: z.string() })),
});
type Listed = z.output<typeof clusterSchema>['members'][number];

/**
 * @returns `undefined` if the nodes are not one primary and its standbys, or if one of them does not answer.
 * @throws EnvironmentError if no Patroni answers at that address, if its members are not the nodes, or if it is not steady.
 */
export async function findPatroni(
  { all, attached }: Pick<Nodes, 'all' | 'attached'>,
  dataset: Pick<Dataset, 'partitionKeys'>,
  signal: AbortSignal,
): Promise<FormedCluster | undefined> {
  const url = attached?.manager;
  if (url === undefined) return undefined;
  const found = await findStreaming(all, dataset, signal);
  if (!found?.roles) return undefined;
  const listed = await listedAt(url);
  const names = namesOf(listed, all);
  const views = listed.map(
    ({ name, api_url: api }): RestNode => ({ name: names.get(name) as NodeName, addressAt: () => addressOf(api) }),
  );
  // The members' own addresses may be unreachable from here; the inventory's address answers.
  const rest = new Rest(
    [{ name: url, addressAt: () => addressOf(url) }, ...views],
    (member) => names.get(member) ?? member,
  );
  const written = writtenOf(await rest.settings(), url);
  const settings = settingsOf(written);
  const missing = unsteady(await rest.members(), await found.roles(signal), {
    members: all.length,
    synchronous: settings.synchronousMode,
  });
  if (missing !== undefined) {
    throw new EnvironmentError(`Patroni is not steady: ${missing}`, {
      code: 'cluster-not-whole',
      hint: '"patronictl list" shows its members',
    });
  }
  const spec: PatroniSpec = { members: all.length, dcs: 0, proxy: false, pooler: false, settings, written };
  return {
    ...found,
    manager: lookingOn(new PatroniManager(rest, views)),
    own: { engine: 'patroni', params: spec, inWords: inWords(spec) },
  };
}

async function listedAt(url: string): Promise<readonly Listed[]> {
  try {
    const answer = await fetch(`${url.replace(/\/$/, '')}/cluster`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    return clusterSchema.parse(await answer.json()).members;
  } catch (error) {
    throw new EnvironmentError(`no Patroni answers at ${url}: ${errorText(error)}`, {
      code: 'manager-silent',
      hint: 'the inventory names the REST address of any member: patroni: http://10.0.0.5:8008',
      cause: error,
    });
  }
}

/** Matches each member with a node, by name or by the address that Patroni lists. */
function namesOf(listed: readonly Listed[], nodes: readonly NodeControl[]): ReadonlyMap<string, NodeName> {
  const isAt =
    ({ host, port }: Listed) =>
    (address: Address) =>
      address.host === host && address.port === port;
  const names = new Map<string, NodeName>();
  for (const member of listed) {
    const node =
      nodes.find(({ name }) => name === member.name) ??
      nodes.find((one) => [one.address(), one.peerAddress(one.name)].some(isAt(member)));
    if (node) names.set(member.name, node.name);
  }
  const strangers = listed.filter(({ name }) => !names.has(name));
  const others = nodes.filter(({ name }) => ![...names.values()].includes(name));
  if (strangers.length === 0 && others.length === 0) return names;
  const words = [
    ...strangers.map(
      ({ name, host, port }) =>
        `Patroni lists the member ${name} at ${hostPort({ host, port })}, but the inventory does not`,
    ),
    ...others.map(({ name }) => `the inventory lists the node ${name}, but Patroni does not`),
  ];
  throw new EnvironmentError(words.join('; '), {
    code: 'other-cluster',
    hint: 'give each node the name of its Patroni member, or set peer: to the address that Patroni lists',
  });
}

function addressOf(url: string): Address {
  const { hostname, port } = new URL(url);
  return { host: withoutBrackets(hostname), port: Number(port || 80), user: '', password: '', database: '' };
}

/** Keeps the settings that pgquake knows and ignores the rest. */
function writtenOf(config: Readonly<Record<string, unknown>>, url: string): WrittenSettings {
  const known = Object.entries(config).filter(([key]) => key in settingsSchema.shape);
  // Patroni 4 added `quorum`.
  const plain = known.map(([key, value]) => [
    key,
    key === 'synchronous_mode' ? value === true || value === 'quorum' : value,
  ]);
  const read = settingsSchema.safeParse(Object.fromEntries(plain));
  if (read.success) return read.data;
  throw new EnvironmentError(`the settings of Patroni at ${url} cannot be read: ${z.prettifyError(read.error)}`, {
    code: 'manager-settings',
  });
}

function lookingOn(manager: PatroniManager): Manager {
  return {
    name: manager.name,
    failsOver: true,
    refuses: REFUSES,
    watch: (onStep) => manager.watch(onStep),
    promote: async (node) => {
      throw new EnvironmentError(`${node} is not promoted: ${REFUSES}`, { code: 'capability-missing' });
    },
  };
}

function inWords({ members, written }: PatroniSpec): string {
  const { ttl, loop_wait: loopWait, retry_timeout: retryTimeout, synchronous_mode: synchronous } = written;
  return `${formatCount(members, 'member')} under Patroni, as found; ttl ${ttl}, loop_wait ${loopWait}, retry_timeout ${retryTimeout}; ${synchronous ? 'synchronous' : 'asynchronous'}`;
}
