/** Images that pgquake builds itself, once, from the Dockerfiles in the package. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import { packageFolder } from '../../model/package-files.ts';
import type { DockerClient } from './client.ts';
import { mustRun } from './helper.ts';
import { followProgress, imageIn, isPresent } from './image.ts';

const BUILD_LIMIT_MS = 15 * 60_000;
const PROGRESS_SPACING_MS = 5_000;
/** Lines of build output to keep; the reason for a failure is at the end. */
const KEPT_LINES = 8;

/**
 * The image for a name below `docker/`: the one in its variable (`PGQUAKE_PATRONI_IMAGE` for `patroni`), else one built from
 * the Dockerfile there, with a digest of that file as its tag. Builds it if it is missing.
 * @param programs must be in the image.
 * @param project of the cluster, if any: the helper that checks the image is removed with it.
 * @param progress gets a line every 5 s.
 * @throws EnvironmentError with what to do.
 */
export async function ownImage(
  client: DockerClient,
  name: string,
  {
    programs,
    project,
    signal,
    progress,
  }: {
    programs: readonly string[];
    project?: string;
    signal: AbortSignal;
    progress: (line: string) => void;
  },
): Promise<string> {
  const variable = variableOf(name);
  const named = imageIn(variable);
  const image = named ?? (await builtName(name));
  if (!(await isPresent(client, image))) {
    if (named !== undefined) {
      throw new EnvironmentError(`the image ${named}, named by ${variable}, is not on this machine`, {
        code: 'image-missing',
        hint: `pull or build it, or unset ${variable}: then pgquake builds an image from Debian's packages`,
      });
    }
    await build(client, { name, image, signal, progress });
  }
  const look = `for program in ${programs.join(' ')}; do command -v "$program" >/dev/null || echo "$program"; done`;
  const missing = await mustRun(client, { what: `look at the image ${image}`, image, project, script: look });
  if (missing === '') return image;
  throw new EnvironmentError(`the image ${image} lacks ${missing.split(/\s+/).join(', ')}`, {
    code: 'image-unfit',
    hint: `set ${variable} to another image, or unset it: then pgquake builds an image from Debian's packages`,
  });
}

function variableOf(name: string): string {
  return `PGQUAKE_${name.toUpperCase()}_IMAGE`;
}

function folderOf(name: string): string {
  return join(packageFolder(), 'docker', name);
}

async function builtName(name: string): Promise<string> {
  const text = await readFile(join(folderOf(name), 'Dockerfile'));
  return `pgquake-${name}:${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}

interface Build {
  readonly name: string;
  readonly image: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

async function build(client: DockerClient, { name, image, signal, progress }: Build): Promise<void> {
  progress(`building the image ${image} from Debian's packages, once; it takes a minute`);
  const startedAt = performance.now();
  const said: string[] = [];
  const notBuilt = (reason: string, cause?: unknown) =>
    new EnvironmentError(`the image ${image} could not be built: ${reason}; ${said.join(' | ')}`, {
      code: 'image-not-built',
      hint: `the build needs Debian's package servers; or set ${variableOf(name)} to an image on this machine`,
      cause,
    });
  let failure: string | undefined;
  try {
    failure = await client.call(
      `build ${image}`,
      async (docker, abortSignal) => {
        const stream = await docker.buildImage(
          { context: folderOf(name), src: ['Dockerfile'] },
          { t: image, abortSignal },
        );
        let saidAt = performance.now();
        return await followProgress(docker, stream, abortSignal, ({ stream: words = '' }) => {
          said.push(...words.split('\n').filter((line) => line.trim() !== ''));
          said.splice(0, said.length - KEPT_LINES);
          if (performance.now() - saidAt < PROGRESS_SPACING_MS) return;
          saidAt = performance.now();
          progress(`building ${image}: ${Math.round((saidAt - startedAt) / 1_000)} s so far`);
        });
      },
      { limitMs: BUILD_LIMIT_MS, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw notBuilt(errorText(error), error);
  }
  if (failure !== undefined) throw notBuilt(failure);
  progress(`built ${image} in ${Math.round((performance.now() - startedAt) / 1_000)} s`);
}
