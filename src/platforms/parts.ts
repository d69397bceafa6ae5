/** Parts of a node: which of its processes are PostgreSQL's and which its agent's, and signals to them. */

import type { NodeParts, PartProcess } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { until } from '../model/until.ts';

type Part = Parameters<NodeParts['kill']>[0];

/** Where a node's processes can be looked at and signalled. */
export interface PartsOptions<P extends SeenProcess = SeenProcess> {
  readonly name: string;
  /** The name of the agent's process. */
  readonly agent: string;
  /** Why the agent takes no connection now; `undefined` where it does. */
  readonly agentRefusal: () => Promise<string | undefined>;
  /** Every process of the node. */
  readonly look: () => Promise<readonly P[]>;
  /** To those of them that are still there, in this order. */
  readonly signal: (name: 'KILL' | 'STOP' | 'CONT', processes: readonly P[]) => Promise<void>;
  /** Has the first process of the node start the agent. */
  readonly wakeAgent: () => Promise<void>;
}

/** One process of the node, as the kernel has it. */
export interface SeenProcess extends PartProcess {
  readonly parent: number;
  readonly command: string;
}

const SERVER = 'postgres';
const STARTED_LIMIT_MS = 20_000;
const LOOK_AGAIN_MS = 50;

export function partsOf<P extends SeenProcess>(options: PartsOptions<P>): NodeParts {
  const { name, agent, agentRefusal, look, signal, wakeAgent } = options;
  const seen = async (part: Part) => processesOf(part, await look(), agent);
  const strike = async (word: 'KILL' | 'STOP', part: Part) => {
    const found = await seen(part);
    if (found.length === 0) {
      throw new EnvironmentError(`${name}: its ${part} does not run`, { code: 'no-such-part' });
    }
    // The first has all others as its children: stopped first, it makes no more of them.
    await signal(word, found);
    return found;
  };
  return {
    seen,
    kill: (part) => strike('KILL', part),
    freeze: (part) => strike('STOP', part),
    async thaw(part) {
      const found = (await seen(part)).filter(({ state }) => state === 'T');
      if (found.length === 0) return;
      // Children first: their parent would think that they hang.
      await signal('CONT', found.reverse());
    },
    async startAgent() {
      if ((await seen('agent')).length === 0) await wakeAgent();
      const refusal = await until({ limitMs: STARTED_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, agentRefusal);
      if (refusal === undefined) return;
      throw new EnvironmentError(
        `${name}: its agent takes no connection ${STARTED_LIMIT_MS / 1_000} s after it was started: ${refusal}`,
        { code: 'agent-not-started' },
      );
    },
  };
}

/** Those of a part, a parent before its children. Pure. */
export function processesOf<P extends SeenProcess>(part: Part, all: readonly P[], agent: string): P[] {
  if (part === 'agent') return all.filter(({ command }) => command === agent);
  const servers = all.filter(({ command }) => command === SERVER);
  const isChild = ({ parent }: SeenProcess) => servers.some(({ pid }) => pid === parent);
  const postmasters = servers.filter((one) => !isChild(one));
  return part === 'postmaster' ? postmasters : [...postmasters, ...servers.filter(isChild)];
}
