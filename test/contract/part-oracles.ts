/** For faults that strike a part of a node: what clients of its server and callers of its agent know of them. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeControl } from '../../src/cluster/platform.ts';
import type { Clients, Kind } from '../../src/contract/clients.ts';
import type { Oracle } from '../../src/contract/oracle.ts';
import { restAnswer, restJson } from '../support/patroni.ts';

const DEADLINE = 'deadline';
const KEPT_CONNECTIONS = 8;
/** Longer than a client waits for an answer. */
const SILENCE_MS = 1_200;

/** An attempt of each of these kinds got no answer. */
const silent =
  (...kinds: readonly Kind[]) =>
  (clients: Clients): string | undefined => {
    const hung = kinds.every((kind) => clients.of(kind).some(({ code }) => code === DEADLINE));
    return hung ? `a client's ${kinds.join(' and ')} got no answer` : undefined;
  };

/** A session broke, and no new one was let in. */
function torn(clients: Clients): string | undefined {
  const broke = clients.of('ping').some(({ code }) => code !== undefined && code !== DEADLINE);
  const refused = clients.of('fresh').some(({ code }) => code !== undefined && code !== DEADLINE);
  return broke && refused ? 'sessions broke, and new ones were refused' : undefined;
}

async function agentIsGone(node: NodeControl): Promise<string | undefined> {
  // Of each connection that was kept from before, the end is heard first.
  for (let asked = 0; asked < KEPT_CONNECTIONS; asked++) {
    const answer = await restAnswer(node, '/patroni');
    if (answer === 'ECONNREFUSED') return 'nothing listens at the port of its agent';
    if (answer !== 'UND_ERR_SOCKET' && answer !== 'ECONNRESET') return undefined;
  }
  return undefined;
}

async function agentIsSilent(node: NodeControl): Promise<string | undefined> {
  const answer = await restAnswer(node, '/patroni');
  return answer === 'TimeoutError' ? 'its agent takes a call and answers nothing' : undefined;
}

async function agentAnswers(node: NodeControl): Promise<string | undefined> {
  await sleep(100);
  const answer = await restAnswer(node, '/liveness');
  return answer === 200 ? 'its agent answers that it lives' : undefined;
}

/** Patroni has it in its settings, and every member says so itself. */
async function paused(node: NodeControl, others: readonly NodeControl[]): Promise<string | undefined> {
  const settings = (await restJson(node, '/config')) as { pause?: boolean };
  const members = await Promise.all([node, ...others].map((one) => restJson(one, '/patroni')));
  const all = members.every((said) => (said as { pause?: boolean }).pause === true);
  return settings.pause === true && all ? 'Patroni is paused in its settings, and every member says so' : undefined;
}

/** By the name of the fault. */
export const partOracles: Readonly<Record<string, Oracle>> = {
  'agent-kill': {
    kinds: ['ping', 'write', 'fresh'],
    spared: ['ping', 'write', 'fresh'],
    looks: agentIsGone,
    unlike: 'agent-pause',
  },
  'agent-pause': {
    kinds: ['ping', 'write', 'fresh'],
    spared: ['ping', 'write', 'fresh'],
    forMs: SILENCE_MS,
    looks: agentIsSilent,
    unlike: 'agent-kill',
  },
  'server-kill': { kinds: ['ping', 'fresh'], sees: torn, looks: agentAnswers, past: 'crashed', unlike: 'server-pause' },
  'server-pause': {
    kinds: ['ping', 'fresh'],
    forMs: SILENCE_MS,
    sees: silent('ping', 'fresh'),
    looks: agentAnswers,
    unlike: 'postmaster-pause',
  },
  'postmaster-pause': {
    kinds: ['ping', 'write', 'fresh'],
    spared: ['ping', 'write'],
    forMs: SILENCE_MS,
    sees: silent('fresh'),
    looks: agentAnswers,
    unlike: 'server-pause',
  },
  'manager-paused': {
    kinds: ['ping', 'write', 'fresh'],
    spared: ['ping', 'write', 'fresh'],
    looks: paused,
    unlike: 'agent-pause',
  },
};
