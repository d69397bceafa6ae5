/** The servers' logs: read from the engine, and saved in the run's folder before the containers are removed. */

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { filesIn } from '../../disk/files-in.ts';
import { errorText } from '../../model/errors.ts';
import type { DockerClient } from './client.ts';
import { withoutPassword } from './container-login.ts';
import { projectContainers } from './project.ts';

const READ_LIMIT_MS = 30_000;
/** One day; following a log longer takes another call. */
const FOLLOW_LIMIT_MS = 24 * 3_600_000;

/** @returns the last lines of a container's output, 100,000 by default. */
export async function readLog(client: DockerClient, containerId: string, lines = 100_000): Promise<string> {
  const frames = await client.call(
    `read the log of container ${containerId.slice(0, 12)}`,
    (docker, abortSignal) =>
      docker.getContainer(containerId).logs({ stdout: true, stderr: true, follow: false, tail: lines, abortSignal }),
    { limitMs: READ_LIMIT_MS },
  );
  return unframe(Buffer.from(frames));
}

interface Following {
  readonly lines: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Calls `tell` for each line, until the container ends or the signal is aborted. */
export async function followLog(
  client: DockerClient,
  containerId: string,
  { lines, signal, tell }: Following,
): Promise<void> {
  try {
    await client.call(
      `follow the log of container ${containerId.slice(0, 12)}`,
      async (docker, abortSignal) => {
        const options = { stdout: true, stderr: true, follow: true, tail: lines, abortSignal } as const;
        const stream = await docker.getContainer(containerId).logs(options);
        const text = new PassThrough();
        docker.modem.demuxStream(stream, text, text);
        stream.on('close', () => text.end());
        for await (const line of createInterface({ input: text })) tell(line);
      },
      { limitMs: FOLLOW_LIMIT_MS, signal },
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Writes the log of every node of a project to `<runFolder>/logs/<node>.log`. If one cannot be read, its file says why, and
 * the cluster can still be removed.
 */
export async function keepLogs(
  client: DockerClient,
  { project, runFolder, password }: { project: string; runFolder: string; password: string },
): Promise<void> {
  const folder = join(runFolder, 'logs');
  const files = filesIn(folder);
  files.makeFolder(folder);
  const containers = await projectContainers(client, project);
  await Promise.all(
    containers.map(async ({ id, node }) => {
      if (node === undefined) return;
      const text = await readLog(client, id).catch((error) => `pgquake could not read this log: ${errorText(error)}\n`);
      files.replace(join(folder, `${node}.log`), withoutPassword(text, password));
    }),
  );
}

/**
 * The engine frames the output of a container without a terminal: 8 bytes (stream, 0, 0, 0, length) before each piece.
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
function unframe(frames: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    pieces.push(frames.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString('utf8');
}
