/** Stops, kills, freezes and starts a container. */

import pRetry from 'p-retry';
import { type CallOptions, type DockerClient, EngineRefusal } from './client.ts';
import type { ProjectContainer } from './project.ts';

/** For a clean shutdown; then the engine kills the container. */
const STOP_GRACE_S = 10;
export const STOP_LIMIT_MS = 40_000;
const FREEZE_AGAIN_MS = 100;

export type ContainerAct = 'stop' | 'kill' | 'pause' | 'unpause' | 'start';

/** @throws EngineRefusal also if the container is already in that state. */
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
 * Whether the engine gave up a pause and thawed the container. With control groups v1, runc checks a thousand times
 * whether all processes are frozen, and on a busy machine one may still be in the kernel. A retry succeeds.
 */
function isThawed(error: unknown): boolean {
  return error instanceof EngineRefusal && error.reason.includes('unable to freeze');
}
