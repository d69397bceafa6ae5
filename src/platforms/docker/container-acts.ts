/** A container stopped, killed, frozen, started by the engine. */

import pRetry from 'p-retry';
import { type CallOptions, type DockerClient, EngineRefusal } from './client.ts';
import type { ProjectContainer } from './project.ts';

/** An orderly shutdown gets this long before the engine kills the container. */
const STOP_GRACE_S = 10;
export const STOP_LIMIT_MS = 40_000;
const FREEZE_AGAIN_MS = 100;

export type ContainerAct = 'stop' | 'kill' | 'pause' | 'unpause' | 'start';

/** @throws EngineRefusal also where the container is so already. */
export async function actOn(
  client: DockerClient,
  { id, name }: Pick<ProjectContainer, 'id' | 'name'>,
  act: ContainerAct,
  options: CallOptions = {},
): Promise<void> {
  const ask = () =>
    client.call(
      `${act} container ${name}`,
      (docker, abortSignal): Promise<unknown> => {
        const container = docker.getContainer(id);
        return act === 'stop' ? container.stop({ t: STOP_GRACE_S, abortSignal }) : container[act]({ abortSignal });
      },
      options,
    );
  await pRetry(ask, {
    retries: 4,
    factor: 1,
    minTimeout: FREEZE_AGAIN_MS,
    shouldRetry: ({ error }) => isThawed(error),
  });
}

/**
 * Whether the engine gave up a pause and let all go on: on control groups of version 1, runc looks a thousand times whether
 * all processes are frozen, and on a busy machine one may still be held in the kernel. Asked again, it succeeds.
 */
function isThawed(error: unknown): boolean {
  return error instanceof EngineRefusal && error.reason.includes('unable to freeze');
}
