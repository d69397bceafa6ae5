/** Shared by the faults that kill or freeze one part of a node and leave the rest running. */

import { z } from 'zod';
import { untilServes } from '../cluster/health.ts';
import { type NodeControl, type NodeParts, type PartProcess, without } from '../cluster/platform.ts';
import type { NodePart } from '../model/loss.ts';
import { formatCount } from '../model/units.ts';
import { until } from '../model/until.ts';
import { proveEach, strikeEach, withoutEffect } from './each-target.ts';
import type { Fault } from './fault.ts';

type Part = Exclude<NodePart, 'node'>;
type PartFault = Omit<Fault<object, readonly (readonly PartProcess[])[]>, 'name' | 'summary' | 'state'>;

/** For killed processes to disappear. */
const GONE_LIMIT_MS = 1_000;
const LOOK_AGAIN_MS = 50;
const params = z.strictObject({});

/** SIGKILL. How the manager reacts is part of the test; the undo starts a killed agent. */
export function killed(part: 'agent' | 'server'): PartFault {
  return onPart(part, {
    how: 'killed',
    owed: 'start',
    strike: (parts) => parts.kill(part),
    async seen(parts, struck) {
      const left = await untilGone(parts, part);
      return left.length > 0
        ? { refusal: `${processes(left.length)} of its ${part} survived` }
        : { proof: `${processes(struck.length)} of its ${part} are gone` };
    },
    async takeBack(parts) {
      await parts.startAgent();
      return `its ${part} is running`;
    },
  });
}

/** SIGSTOP. */
export function frozen(part: Part): PartFault {
  return onPart(part, {
    how: 'frozen',
    owed: 'thaw',
    strike: (parts) => parts.freeze(part),
    async seen(parts) {
      const seen = await parts.seen(part);
      const running = seen.filter(({ state }) => state !== 'T');
      return seen.length === 0 || running.length > 0
        ? { refusal: `${running.length} of ${processes(seen.length)} of its ${part} are not stopped` }
        : { proof: `${processes(seen.length)} of its ${part} stopped by a signal` };
    },
    async takeBack(parts) {
      await parts.thaw(part);
      return `no process of its ${part} is stopped`;
    },
  });
}

interface OnPart {
  readonly how: 'killed' | 'frozen';
  /** The action of its undo. */
  readonly owed: string;
  strike(parts: NodeParts): Promise<readonly PartProcess[]>;
  /** The evidence that the part is struck, or that it is not, in words. */
  seen(
    parts: NodeParts,
    struck: readonly PartProcess[],
  ): Promise<{ readonly proof: string } | { readonly refusal: string }>;
  /** @returns the evidence, in words. */
  takeBack(parts: NodeParts): Promise<string>;
}

function onPart(part: Part, { how, owed, strike, seen, takeBack }: OnPart): PartFault {
  return {
    params,
    needs: ['node-parts'],
    takes: () => ({ what: part, how }),
    lacking,

    inject: (targets, _params, context) => strikeEach(targets, context, owed, (node) => strike(partsIn(node))),

    prove: (targets, _params, struck) =>
      proveEach(targets, async (node, i) => {
        const outcome = await seen(partsIn(node), struck[i] ?? []);
        if ('refusal' in outcome) throw withoutEffect(node, outcome.refusal);
        return `${outcome.proof}, ${await restOf(node, part)}`;
      }),

    async undo(_undo, node, { signal }) {
      const words = await takeBack(partsIn(node));
      await untilServes(node, Number.POSITIVE_INFINITY, signal);
      return words;
    },
  };
}

async function lacking(node: NodeControl): Promise<string | undefined> {
  return node.parts ? undefined : 'it has no agent, so no part of it can fail alone';
}

function partsIn(node: NodeControl): NodeParts {
  return node.parts ?? without(node.name, 'node-parts');
}

/** Killed processes may linger; a restart is slower than the polling, so their absence is seen. */
async function untilGone(parts: NodeParts, part: Part): Promise<readonly PartProcess[]> {
  const left = await until({ limitMs: GONE_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () => {
    const seen = await parts.seen(part);
    return seen.length === 0 ? undefined : seen;
  });
  return left ?? [];
}

/** What still runs, according to the kernel. */
async function restOf(node: NodeControl, part: Part): Promise<string> {
  const other = part === 'agent' ? 'server' : 'agent';
  const running = (await partsIn(node).seen(other)).filter(({ state }) => state !== 'T');
  return `its ${other} runs in ${processes(running.length)}`;
}

function processes(count: number): string {
  return formatCount(count, 'process', 'processes');
}
