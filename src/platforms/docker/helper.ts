/**
 * Short-lived containers beside a node's: in its network namespace, with the right to change packet filters and traffic
 * shaping, so that the node needs no such right; or with its volumes, even if it is stopped. Each runs one script and
 * removes itself; its labels identify it after a crash.
 */

import { text } from 'node:stream/consumers';
import { EnvironmentError } from '../../model/errors.ts';
import { type DockerClient, EngineRefusal } from './client.ts';
import { PROJECT_LABEL } from './compose.ts';
import { demuxed, type ExecResult } from './exec.ts';

const LIMIT_MS = 30_000;
/** The act of a helper. */
const MARK_LABEL = 'pgquake.mark';

export interface HelperTask {
  /** In words, for error messages: `add 2 rules to citus_worker1`. */
  readonly what: string;
  /** Has sh, iptables and tc. */
  readonly image: string;
  /** The container whose network it shares; without one, it has no network. */
  readonly containerId?: string;
  /** The container whose volumes it mounts, running or not. */
  readonly volumesFrom?: string;
  /** Volumes by name, with their mount points: `name:/target`; none by default. */
  readonly binds?: readonly string[];
  /** Of the cluster, if any: removing the cluster removes the helper. */
  readonly project?: string | undefined;
  readonly mark?: string;
  /** For sh. */
  readonly script: string;
}

/** Runs a script to its end, whatever its exit code. */
export async function runHelper(client: DockerClient, task: HelperTask): Promise<ExecResult> {
  const { what, image, containerId, volumesFrom, binds, project, mark, script } = task;
  return await client.call(
    what,
    async (docker, abortSignal) => {
      const container = await docker.createContainer({
        Image: image,
        Entrypoint: ['sh', '-c', script],
        Cmd: [],
        User: '0',
        Labels: {
          ...(project === undefined ? {} : { [PROJECT_LABEL]: project }),
          ...(mark === undefined ? {} : { [MARK_LABEL]: mark }),
        },
        Healthcheck: { Test: ['NONE'] },
        HostConfig: {
          NetworkMode: containerId === undefined ? 'none' : `container:${containerId}`,
          ...(volumesFrom === undefined && !binds ? { CapAdd: ['NET_ADMIN', 'NET_RAW'] } : {}),
          ...(volumesFrom === undefined ? {} : { VolumesFrom: [volumesFrom] }),
          ...(binds ? { Binds: [...binds] } : {}),
          AutoRemove: true,
        },
        abortSignal,
      });
      const stream = await container.attach({ stream: true, stdout: true, stderr: true });
      const output = demuxed(docker, stream);
      const ended = container.wait({ condition: 'next-exit', abortSignal }) as Promise<{ StatusCode: number }>;
      ended.catch(() => undefined);
      await container.start({ abortSignal });
      const [{ StatusCode }, written] = await Promise.all([ended, text(output)]);
      return { exitCode: StatusCode, output: written.trim() };
    },
    { limitMs: LIMIT_MS },
  );
}

/**
 * Runs a script that must succeed.
 * @throws EnvironmentError with its output.
 */
export async function mustRun(client: DockerClient, task: HelperTask): Promise<string> {
  const { exitCode, output } = await runHelper(client, task);
  if (exitCode === 0) return output;
  throw new EnvironmentError(`could not ${task.what}: ${output.replace(/\s+/g, ' ') || `exit code ${exitCode}`}`, {
    code: 'helper-failed',
  });
}

/** Removes the helpers of an act that a crash left. Harmless if there are none. */
export async function removeHelpers(client: DockerClient, mark: string): Promise<void> {
  const filters = { label: [`${MARK_LABEL}=${mark}`] };
  const left = await client.call('look for helper containers', (docker, abortSignal) =>
    docker.listContainers({ all: true, filters, abortSignal }),
  );
  for (const { Id } of left) {
    try {
      await client.call('remove a helper container', (docker, abortSignal) =>
        docker.getContainer(Id).remove({ force: true, v: true, abortSignal }),
      );
    } catch (error) {
      // It removes itself when it ends.
      if (!(error instanceof EngineRefusal)) throw error;
    }
  }
}
