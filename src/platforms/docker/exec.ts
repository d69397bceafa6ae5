/** Runs a program in a running container to its end. */

import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import type { DockerClient } from './client.ts';

const LIMIT_MS = 15_000;

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and standard error, interleaved. */
  readonly output: string;
}

export interface ExecRequest {
  /** In words, for error messages. */
  readonly what: string;
  readonly containerId: string;
  readonly command: readonly string[];
  /** 15 s by default. */
  readonly limitMs?: number | undefined;
}

/**
 * Runs the program as root, whatever its exit code.
 * @throws EngineRefusal when the container is not running.
 */
export function execIn(client: DockerClient, request: ExecRequest): Promise<ExecResult> {
  const { what, containerId, command, limitMs = LIMIT_MS } = request;
  return client.call(
    what,
    async (docker, abortSignal) => {
      const exec = await docker.getContainer(containerId).exec({
        Cmd: [...command],
        User: '0',
        AttachStdout: true,
        AttachStderr: true,
        abortSignal,
      });
      const stream = await exec.start({ hijack: true, stdin: false });
      const written = await text(demuxed(docker, stream));
      const { ExitCode } = await exec.inspect({ abortSignal });
      // For a missing program, the engine reports an exit code and a message.
      return { exitCode: ExitCode ?? -1, output: written.trim() };
    },
    { limitMs },
  );
}

/** Standard output and standard error of an attached container or program, interleaved. */
export function demuxed(docker: Docker, stream: NodeJS.ReadWriteStream): PassThrough {
  const output = new PassThrough();
  docker.modem.demuxStream(stream, output, output);
  stream.once('end', () => output.end());
  stream.once('error', (error: Error) => output.destroy(error));
  return output;
}
