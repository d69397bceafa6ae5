/** What the faults share that take a part of a node away and leave the rest: killed, or frozen until it goes on. */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { untilServes } from '../cluster/health.ts';
import { type NodeControl, type NodeParts, type PartProcess, without } from '../cluster/platform.ts';
import type { NodePart } from '../model/loss.ts';
import { formatCount } from '../model/units.ts';
import type { Fault } from './fault.ts';
import { proveEach, withoutEffect } from './own-sessions.ts';

type Part = Exclude<NodePart, 'node'>;
type PartFault = Omit<Fault<object, readonly (readonly PartProcess[])[]>, 'name' | 'summary' | 'state'>;

/** For processes that were killed to be gone. */
const GONE_LIMIT_MS = 1_000;
const LOOK_AGAIN_MS = 50;
const params = z.strictObject({});

/** SIGKILL to it. What its manager does about that is part of what is tested; a killed agent is started again at the end. */
export function killed(part: 'agent' | 'server'): PartFault {
  return {
    params,
    needs: ['node-parts'],
    takes: () => ({ what: part, how: 'killed' }),
    lacking,

    inject: (targets, _params, { defer }) =>
      Promise.all(
        targets.map(async (node) => {
          await defer({ action: 'start', node: node.name });
          return await partsIn(node).kill(part);
        }),
      ),

    prove: (targets, _params, struck) =>
      proveEach(targets, async (node, i) => {
        const pids = (struck[i] ?? []).map(({ pid }) => pid);
        const left = await untilGone(partsIn(node), part);
        if (left.length > 0) throw withoutEffect(node, `${processes(left.length)} of its ${part} run`);
        return `${processes(pids.length)} of its ${part} do not exist any more, ${await restOf(node, part)}`;
      }),

    async undo(_undo, node, { signal }) {
      await partsIn(node).startAgent();
      await untilServes(node, Number.POSITIVE_INFINITY, signal);
      return `its ${part} runs`;
    },
  };
}

/** SIGSTOP to it. */
export function frozen(part: Part): PartFault {
  return {
    params,
    needs: ['node-parts'],
    takes: () => ({ what: part, how: 'frozen' }),
    lacking,

    inject: (targets, _params, { defer }) =>
      Promise.all(
        targets.map(async (node) => {
          await defer({ action: 'thaw', node: node.name });
          return await partsIn(node).freeze(part);
        }),
      ),

    prove: (targets) =>
      proveEach(targets, async (node) => {
        const seen = await partsIn(node).seen(part);
        const running = seen.filter(({ state }) => state !== 'T');
        if (seen.length === 0 || running.length > 0) {
          throw withoutEffect(node, `${running.length} of ${processes(seen.length)} of its ${part} are not stopped`);
        }
        return `${processes(seen.length)} of its ${part} stopped by a signal, ${await restOf(node, part)}`;
      }),

    async undo(_undo, node, { signal }) {
      await partsIn(node).thaw(part);
      await untilServes(node, Number.POSITIVE_INFINITY, signal);
      return `nothing of its ${part} is stopped`;
    },
  };
}

async function lacking(node: NodeControl): Promise<string | undefined> {
  return node.parts ? undefined : 'it has no agent, so nothing on it can be lost alone';
}

function partsIn(node: NodeControl): NodeParts {
  return node.parts ?? without(node.name, 'node-parts');
}

/** What is killed may be there for a moment; whoever starts it again takes longer than a look. */
async function untilGone(parts: NodeParts, part: Part): Promise<readonly PartProcess[]> {
  const giveUpAt = performance.now() + GONE_LIMIT_MS;
  for (;;) {
    const left = await parts.seen(part);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await sleep(LOOK_AGAIN_MS);
  }
}

/** What goes on, as the kernel has it. */
async function restOf(node: NodeControl, part: Part): Promise<string> {
  const other = part === 'agent' ? 'server' : 'agent';
  const running = (await partsIn(node).seen(other)).filter(({ state }) => state !== 'T');
  return `its ${other} runs in ${processes(running.length)}`;
}

function processes(count: number): string {
  return formatCount(count, 'process', 'processes');
}
