/** PGQUAKE_TORTURE_DOCKER_MOMENTS, 2 by default, chooses how often. */

import { dockerMissing } from '../support/docker.ts';
import { heals } from './torture-by-kill.ts';

heals({
  on: 'docker',
  moments: Number(process.env.PGQUAKE_TORTURE_DOCKER_MOMENTS ?? 2),
  unavailable: await dockerMissing(import.meta.filename),
});
