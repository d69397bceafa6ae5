/** A platform: the embedded servers with as little memory as on a small machine. */

import { type Platform, pgquake } from 'pgquake';

const local = pgquake().catalog.platforms.find(({ name }) => name === 'local');
if (!local) throw new Error('the platform local is not shipped');
const { provision } = local;

const SMALL = { shared_buffers: '1MB', work_mem: '64kB' };

export const smallServers: Platform = {
  ...local,
  name: 'small-servers',
  summary: 'the embedded servers with 1 MB of shared buffers',
  provision: (options) => provision({ ...options, settings: { ...options.settings, ...SMALL } }),
};
