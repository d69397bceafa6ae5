/** The image of the nodes: chooses it, checks whether it is available, and pulls it. */

import type Docker from 'dockerode';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import { unlessAborted } from '../../model/unless-aborted.ts';
import { type DockerClient, EngineRefusal } from './client.ts';
import { DEFAULT_IMAGE } from './compose.ts';

const PULL_LIMIT_MS = 15 * 60_000;
/** Between two lines of progress. */
const PROGRESS_SPACING_MS = 2_000;

/** `name`, `registry:5000/path/name:tag` or `name@sha256:...`. https://pkg.go.dev/github.com/distribution/reference */
const REFERENCE =
  /^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::\d+)?\/)?[a-z0-9]+(?:(?:[._-]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._-]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/**
 * PGQUAKE_IMAGE, else the official image in the version for which pgquake is made.
 * @throws EnvironmentError when that is not the name of an image.
 */
export function wantedImage(): string {
  return imageIn('PGQUAKE_IMAGE') ?? DEFAULT_IMAGE;
}

/**
 * The image for changing the network of a node: PGQUAKE_HELPER_IMAGE.
 * @throws as `wantedImage`.
 */
export function helperImage(): string | undefined {
  return imageIn('PGQUAKE_HELPER_IMAGE');
}

export function imageIn(variable: string): string | undefined {
  const image = process.env[variable];
  if (!image) return undefined;
  if (REFERENCE.test(image) || /^(?:sha256:)?[0-9a-f]{12,64}$/.test(image)) return image;
  throw new EnvironmentError(`${variable}: ${JSON.stringify(image)} is not the name of an image`, {
    code: 'image-name',
    hint: `name one as "docker image ls" lists them, such as ${DEFAULT_IMAGE}`,
  });
}

export async function isPresent(client: DockerClient, image: string, limitMs?: number): Promise<boolean> {
  try {
    await client.call(
      `look for the image ${image}`,
      (docker) => docker.getImage(image).inspect(),
      limitMs === undefined ? {} : { limitMs },
    );
    return true;
  } catch (error) {
    if (error instanceof EngineRefusal && error.status === 404) return false;
    throw error;
  }
}

/**
 * Asks the registry, through the engine, for an image.
 * @returns `undefined` if it can be pulled, else the reason.
 */
export async function cannotBePulled(
  client: DockerClient,
  image: string,
  limitMs: number,
): Promise<string | undefined> {
  try {
    await client.call(`ask the registry for ${image}`, (docker) => docker.getImage(image).distribution(), { limitMs });
    return undefined;
  } catch (error) {
    return error instanceof EngineRefusal ? errorText(error.cause ?? error) : `no answer within ${limitMs} ms`;
  }
}

/**
 * Pulls an image.
 * @param progress gets a line every 2 s.
 * @throws EnvironmentError when the image cannot be pulled.
 */
export async function pull(
  client: DockerClient,
  image: string,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<void> {
  progress(`pulling ${image}`);
  let failure: string | undefined;
  try {
    failure = await client.call(
      `pull ${image}`,
      async (docker, abortSignal) => {
        const stream = await docker.pull(image, { abortSignal });
        const layers = new Map<string, { current: number; total: number }>();
        let saidAt = performance.now();
        return await followProgress(docker, stream, abortSignal, ({ id, progressDetail }) => {
          const { current, total } = progressDetail ?? {};
          if (id && current !== undefined && total) layers.set(id, { current, total });
          if (layers.size === 0 || performance.now() - saidAt < PROGRESS_SPACING_MS) return;
          saidAt = performance.now();
          progress(`pulling ${image}: ${progressLine([...layers.values()])}`);
        });
      },
      { limitMs: PULL_LIMIT_MS, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw imageNotToBeHad(image, errorText(error), error);
  }
  if (failure !== undefined) throw imageNotToBeHad(image, failure);
  progress(`pulled ${image}`);
}

/** A line of the engine's progress stream. */
interface ProgressEvent {
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** Output of a build. */
  readonly stream?: string;
  /** Deprecated in favour of `errorDetail`, so an engine may send either alone. */
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

/**
 * Follows a pull or a build to its end. The engine answers 200 before it starts, so it reports a failure in the stream.
 * @returns why it failed; `undefined` if it did not.
 */
export async function followProgress(
  docker: Docker,
  stream: NodeJS.ReadableStream & { destroy?(): void },
  signal: AbortSignal,
  onEvent: (event: ProgressEvent) => void,
): Promise<string | undefined> {
  const ended = new Promise<string | undefined>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error ? reject(error) : resolve(undefined)),
      (event: ProgressEvent) => {
        onEvent(event);
        const failure = event.errorDetail?.message ?? event.error;
        if (failure !== undefined) resolve(failure);
      },
    );
  });
  return await unlessAborted(ended, signal).finally(() => stream.destroy?.());
}

export function imageNotToBeHad(image: string, reason: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(
    `the image ${image} is not on this machine and cannot be pulled: ${reason.replace(/^\(HTTP code \d+\) [a-z ]+ - /, '')}`,
    {
      code: 'image-missing',
      hint: 'set PGQUAKE_IMAGE to an image on this machine, or use --platform local, which needs no image',
      cause,
    },
  );
}

function progressLine(layers: readonly { current: number; total: number }[]): string {
  const sum = (key: 'current' | 'total') => layers.reduce((total, layer) => total + layer[key], 0);
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  return `${megabytes(sum('current'))} of ${megabytes(sum('total'))} MB`;
}
