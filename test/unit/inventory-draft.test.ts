/** The files of `pgquake init`: they are valid, and init refuses wrong uses. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { writeAll } from '../../src/cli/commands/init.ts';
import { pgquake } from '../../src/pgquake.ts';
import { readInventory } from '../../src/scenario/inventory.ts';
import { type Draft, firstScenarioText, inventoryText, kebab } from '../../src/scenario/inventory-draft.ts';
import { Workplace } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgquake-draft-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PAIR: Draft = {
  name: 'orders',
  passwordEnv: 'ORDERS_PASSWORD',
  nodes: [
    { name: 'db-a', url: 'postgresql://app@10.0.0.5:5432/orders', ssh: 'ops@10.0.0.5' },
    { name: 'db-b', url: "host=10.0.0.6 user=app dbname='it''s'".replace("''", "\\'"), docker: 'orders_db_1' },
  ],
  routes: [{ name: 'pooler', url: 'postgresql://app@10.0.0.9:6432/orders' }],
};

function written({ nodes, ...rest }: Draft): ReturnType<ReturnType<typeof pgquake>['parse']> {
  writeFileSync(join(folder, 'inventory.yaml'), inventoryText({ ...rest, nodes }));
  return pgquake().parse(firstScenarioText({ ...rest, nodes }, 'inventory.yaml'), join(folder, 'first.yaml'));
}

describe('what init writes', () => {
  test('kills the primary if every node can be broken', () => {
    const { faults, cluster, workload } = written(PAIR);
    expect(faults.map(({ fault, target }) => [fault, target])).toEqual([['node-kill', { roleAtStrike: 'primary' }]]);
    expect(cluster.inventory?.nodes.map(({ name, ssh, docker }) => [name, ssh?.to ?? docker?.container])).toEqual([
      ['db-a', 'ops@10.0.0.5'],
      ['db-b', 'orders_db_1'],
    ]);
    expect(cluster.inventory?.routes.map(({ name }) => name)).toEqual(['pooler']);
    expect(workload.use).toBe('ledger');
    expect(readInventory(join(folder, 'inventory.yaml')).nodes[1]).toMatchObject({ passwordEnv: 'ORDERS_PASSWORD' });
  });

  test('breaks nothing if a node cannot be broken', () => {
    const [first] = PAIR.nodes as [Draft['nodes'][number]];
    expect(written({ ...PAIR, nodes: [first, { name: 'db-c', url: 'host=h user=u' }] }).faults).toEqual([]);
  });

  test.each([
    ['orders_db-1', 'orders-db-1'],
    ['10.0.0.5', 'db-10-0-0-5'],
    ['DB.Example', 'db-example'],
    ['__', 'db'],
  ])('calls %s %s', (text, name) => {
    expect(kebab(text)).toBe(name);
  });
});

describe('files that are written together', () => {
  const place = (name: string) => {
    const at = join(folder, name);
    mkdirSync(at);
    return at;
  };

  test('are there once they are checked', async () => {
    const at = join(place('both'), 'new/er');
    const files = { [join(at, 'a')]: '1', [join(at, 'b')]: '2' };
    await writeAll(files, at, () => expect(readdirSync(at)).toEqual(['a', 'b']));
    expect(readFileSync(join(at, 'b'), 'utf8')).toBe('2');
  });

  test('are all removed, with the folders made for them, if the check fails', async () => {
    const at = place('unfit');
    const deep = join(at, 'new/er');
    const check = () => {
      throw new Error('unfit');
    };
    const writing = writeAll({ [join(deep, 'a')]: '1', [join(deep, 'b')]: '2' }, deep, check);
    await expect(writing).rejects.toThrow('unfit');
    expect(readdirSync(at)).toEqual([]);
  });

  test('are all removed if one cannot be written, and what was there stays', async () => {
    const at = place('taken');
    writeFileSync(join(at, 'b'), 'mine');
    const files = { [join(at, 'a')]: '1', [join(at, 'b')]: '2' };
    await expect(writeAll(files, at, () => undefined)).rejects.toThrow('EEXIST');
    expect(readdirSync(at)).toEqual(['b']);
    expect(readFileSync(join(at, 'b'), 'utf8')).toBe('mine');
  });
});

test.skipIf(process.platform !== 'linux')('files in a folder that cannot be made are refused', async () => {
  await expect(writeAll({}, '/proc/none/deep', () => undefined)).rejects.toMatchObject({
    code: 'cannot-write',
    message: expect.stringMatching(/^cannot create the folder \/proc\/none\/deep: /),
  });
});

describe('init', () => {
  test('overwrites nothing', async () => {
    using place = new Workplace();
    writeFileSync(join(place.folder, 'first.yaml'), 'mine');
    const { code, stderr } = await place.start(['init', '--url', 'postgresql://app@127.0.0.1:1/orders']).ended;
    expect(code).toBe(3);
    expect(stderr).toContain('first.yaml already exists; nothing was written');
    expect(readFileSync(join(place.folder, 'first.yaml'), 'utf8')).toBe('mine');
    expect(existsSync(join(place.folder, 'inventory.yaml'))).toBe(false);
  });

  test.each([
    [[], 3, 'expected --url or --compose, found neither'],
    [['--url', 'postgresql://app:secret@h/orders'], 3, '--url: expected no password, found one'],
    [
      ['--url', 'host=h user=u', '--docker', 'a', '--docker', 'b'],
      3,
      'expected one --docker or one --ssh for each --url',
    ],
    [['--url', 'postgresql://app@127.0.0.1:1/orders'], 4, 'does not answer as expected'],
  ])('with %j writes nothing', async (args, expected, words) => {
    using place = new Workplace();
    const { code, stderr } = await place.start(['init', ...args]).ended;
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('secret');
    expect(code).toBe(expected);
    expect(existsSync(join(place.folder, 'inventory.yaml'))).toBe(false);
  });
});
