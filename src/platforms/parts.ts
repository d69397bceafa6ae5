/** Parts of a node: tells PostgreSQL's processes from the agent's, and signals them. */

import type { NodeParts, PartProcess } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { formatCount } from '../model/units.ts';
import { until } from '../model/until.ts';

type Part = Parameters<NodeParts['kill']>[0];

/** How to list and signal a node's processes. */
export interface PartsOptions<P extends SeenProcess = SeenProcess> {
  readonly name: string;
  /** The name of the agent's process. */
  readonly agent: string;
  /** Why the agent accepts no connection now; `undefined` if it does. */
  readonly agentRefusal: () => Promise<string | undefined>;
  /** Every process of the node. */
  readonly look: () => Promise<readonly P[]>;
  /** Signals those that still exist, in this order. */
  readonly signal: (name: 'KILL' | 'STOP' | 'CONT', processes: readonly P[]) => Promise<void>;
  /** Makes the node's first process start the agent. */
  readonly wakeAgent: () => Promise<void>;
}

/** One process of the node, according to the kernel. */
export interface SeenProcess extends PartProcess {
  readonly parent: number;
  readonly command: string;
}

const SERVER = 'postgres';
const STARTED_LIMIT_MS = 20_000;
const STOPPED_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 50;

export function partsOf<P extends SeenProcess>(options: PartsOptions<P>): NodeParts {
  const { name, agent, agentRefusal, look, signal, wakeAgent } = options;
  const seen = async (part: Part) => processesOf(part, await look(), agent);
  const running = async (part: Part) => {
    const found = await seen(part);
    if (found.length > 0) return found;
    throw new EnvironmentError(`${name}: its ${part} is not running`, { code: 'no-such-part' });
  };
  return {
    seen,
    async kill(part) {
      const found = await running(part);
      await signal('KILL', found);
      return found;
    },
    async freeze(part) {
      let found = await running(part);
      const left = await until({ limitMs: STOPPED_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () => {
        const moving = found.filter(({ state }) => state !== 'T');
        if (moving.length === 0) return undefined;
        // The postmaster is stopped first and forks no more; it may have forked a backend since the look.
        await signal('STOP', moving);
        found = await seen(part);
        return moving.length;
      });
      if (left === undefined) return found;
      throw new EnvironmentError(
        `${name}: ${left} of ${formatCount(found.length, 'process', 'processes')} of its ${part} still run after SIGSTOP`,
        { code: 'signal-without-effect' },
      );
    },
    async thaw(part) {
      const found = (await seen(part)).filter(({ state }) => state === 'T');
      if (found.length === 0) return;
      // Children first, or their parent would take them for hung.
      await signal('CONT', found.reverse());
    },
    async startAgent() {
      if ((await seen('agent')).length === 0) await wakeAgent();
      const refusal = await until({ limitMs: STARTED_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, agentRefusal);
      if (refusal === undefined) return;
      throw new EnvironmentError(
        `${name}: its agent accepts no connection ${STARTED_LIMIT_MS / 1_000} s after its start: ${refusal}`,
        { code: 'agent-not-started' },
      );
    },
  };
}

/** The processes of a part, parents before children. Pure. */
export function processesOf<P extends SeenProcess>(part: Part, all: readonly P[], agent: string): P[] {
  if (part === 'agent') return all.filter(({ command }) => command === agent);
  const servers = all.filter(({ command }) => command === SERVER);
  const isChild = ({ parent }: SeenProcess) => servers.some(({ pid }) => pid === parent);
  const postmasters = servers.filter((one) => !isChild(one));
  return part === 'postmaster' ? postmasters : [...postmasters, ...servers.filter(isChild)];
}
