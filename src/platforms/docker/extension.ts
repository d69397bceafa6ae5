/** Finds out whether an image's PostgreSQL has an extension, in a container that runs no server. */

import type { DockerClient } from './client.ts';

const LOOK_LIMIT_MS = 30_000;

/** @param extension a plain name, `citus`. */
export async function imageOffers(client: DockerClient, image: string, extension: string): Promise<boolean> {
  const control = `extension/${extension}.control`;
  // Debian-based images have pg_config only with the development files; the official ones always.
  const script = `for file in "$(pg_config --sharedir 2>/dev/null)/${control}" /usr/share/postgresql/*/${control} /usr/local/share/postgresql/${control}; do
    test -e "$file" && exit 0
  done
  exit 1`;
  return client.call(
    `look for the extension ${extension} in the image ${image}`,
    async (docker) => {
      const container = await docker.createContainer({
        Image: image,
        Entrypoint: ['sh', '-c', script],
        Cmd: [],
        HostConfig: { NetworkMode: 'none' },
      });
      try {
        await container.start();
        const { StatusCode } = (await container.wait()) as { StatusCode: number };
        return StatusCode === 0;
      } finally {
        await container.remove({ force: true, v: true });
      }
    },
    { limitMs: LOOK_LIMIT_MS },
  );
}
