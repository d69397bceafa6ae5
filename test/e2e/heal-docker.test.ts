/** PGQUAKE_TORTURE_DOCKER_MOMENTS, 2 by default, chooses how often. */

import { dockerMissing } from '../support/docker.ts';
import { heals } from './torture-by-kill.ts';

heals(
  'docker',
  Number(process.env.PGQUAKE_TORTURE_DOCKER_MOMENTS ?? 2),
  await dockerMissing('test/e2e/heal-docker.test.ts'),
);
