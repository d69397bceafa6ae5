import { expect, test } from 'vitest';
import { dataVolume } from '../../src/platforms/docker/data.ts';

test('the data are on the volume whose place in the container holds their folder', () => {
  const mounts = [
    { Destination: '/var/lib/postgres' },
    { Name: 'other', Destination: '/var/lib/postgres' },
    { Name: 'pg1', Destination: '/var/lib/postgresql' },
  ];
  expect(dataVolume(mounts, '/var/lib/postgresql/pgdata')).toEqual({ volume: 'pg1', folder: 'pgdata' });
  expect(dataVolume(mounts, '/var/lib/postgresql')).toEqual({ volume: 'pg1', folder: '' });
  expect(dataVolume(mounts, '/data')).toBeUndefined();
  // A folder of the machine is no volume that another container could have by its name.
  expect(dataVolume([{ Destination: '/data' }], '/data/pg')).toBeUndefined();
});
