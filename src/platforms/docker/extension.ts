/** Finds out whether an image's PostgreSQL has an extension, in a container that runs no server. */

import type { DockerClient } from './client.ts';
import { runHelper } from './helper.ts';

/** @param extension a plain name, `citus`. */
export async function imageOffers(client: DockerClient, image: string, extension: string): Promise<boolean> {
  const control = `extension/${extension}.control`;
  // Debian-based images have pg_config only with the development files; the official ones always.
  const script = `for file in "$(pg_config --sharedir 2>/dev/null)/${control}" /usr/share/postgresql/*/${control} /usr/local/share/postgresql/${control}; do
    test -e "$file" && exit 0
  done
  exit 1`;
  const what = `look for the extension ${extension} in the image ${image}`;
  const { exitCode } = await runHelper(client, { what, image, script });
  return exitCode === 0;
}
