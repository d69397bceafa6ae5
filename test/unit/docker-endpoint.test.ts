/** Which Docker engine is talked to: environment, contexts, default; and how a container is reached. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../src/model/errors.ts';
import { dockerEndpoint } from '../../src/platforms/docker/endpoint.ts';
import { reach } from '../../src/platforms/docker/reach.ts';

describe('the engine', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'pgquake-home-'));
    mkdirSync(join(home, '.docker'));
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  function configure(currentContext: string): void {
    writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext }));
  }

  function contextFolder(kind: 'meta' | 'tls', name: string): string {
    const folder = join(home, '.docker/contexts', kind, createHash('sha256').update(name).digest('hex'));
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  function addContext(name: string, host: string): void {
    writeFileSync(
      join(contextFolder('meta', name), 'meta.json'),
      JSON.stringify({ Name: name, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } }),
    );
  }

  test('is the one that DOCKER_HOST names, before any context', () => {
    addContext('colima', 'unix:///colima.sock');
    configure('colima');
    expect(dockerEndpoint({ DOCKER_HOST: 'unix:///other.sock', DOCKER_CONTEXT: 'colima' }, home)).toEqual({
      host: 'unix:///other.sock',
      source: 'DOCKER_HOST',
    });
    expect(dockerEndpoint({ DOCKER_HOST: 'localhost:2375' }, home).host).toBe('tcp://localhost:2375');
  });

  test('is that of the current context', () => {
    addContext('colima', 'unix:///colima.sock');
    configure('colima');
    expect(dockerEndpoint({}, home)).toEqual({ host: 'unix:///colima.sock', source: 'the context "colima"' });
  });

  test('is that of the context in DOCKER_CONTEXT, before the current one', () => {
    addContext('colima', 'unix:///colima.sock');
    addContext('rootless', 'unix:///run/user/1000/docker.sock');
    configure('colima');
    expect(dockerEndpoint({ DOCKER_CONTEXT: 'rootless' }, home).host).toBe('unix:///run/user/1000/docker.sock');
  });

  test('is the default one without a context, and in the context "default"', () => {
    expect(dockerEndpoint({}, home)).toMatchObject({ host: expect.stringMatching(/docker/), source: 'the default' });
    configure('default');
    expect(dockerEndpoint({}, home).source).toBe('the default');
  });

  test('variables that are set to nothing count as unset', () => {
    addContext('colima', 'unix:///colima.sock');
    configure('colima');
    const nothing = {
      DOCKER_HOST: '',
      DOCKER_CONFIG: '',
      DOCKER_CONTEXT: '',
      DOCKER_CERT_PATH: '',
      DOCKER_TLS_VERIFY: '',
    };
    expect(dockerEndpoint(nothing, home).source).toBe('the context "colima"');
    for (const name of ['ca', 'cert', 'key']) writeFileSync(join(home, '.docker', `${name}.pem`), `PEM of ${name}`);
    const secured = { DOCKER_HOST: 'tcp://10.0.0.1:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '' };
    expect(dockerEndpoint(secured, home).tls?.ca).toBe('PEM of ca');
  });

  test('uses the certificates of a context', () => {
    addContext('remote', 'tcp://10.0.0.1:2376');
    configure('remote');
    const folder = join(contextFolder('tls', 'remote'), 'docker');
    mkdirSync(folder);
    for (const name of ['ca', 'cert', 'key']) writeFileSync(join(folder, `${name}.pem`), `PEM of ${name}`);
    expect(dockerEndpoint({}, home).tls).toEqual({ ca: 'PEM of ca', cert: 'PEM of cert', key: 'PEM of key' });
  });

  test('cannot be told from a context that is not there, or a damaged configuration', () => {
    configure('gone');
    expect(() => dockerEndpoint({}, home)).toThrow(EnvironmentError);
    expect(() => dockerEndpoint({}, home)).toThrow(/the Docker context "gone"/);
    writeFileSync(join(home, '.docker/config.json'), '{');
    expect(() => dockerEndpoint({}, home)).toThrow(/config\.json/);
  });
});

describe('a container', () => {
  const running = {
    Networks: { citus_default: { IPAddress: '172.20.0.5', IPPrefixLen: 16 } },
    Ports: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '32790' }] },
  };

  test('is reached at its own address where this machine is in its network', () => {
    expect(reach(running, 5432, ['127.0.0.1', '172.20.0.1'])).toEqual({ host: '172.20.0.5', port: 5432 });
  });

  test('is reached at its published port where it is not', () => {
    expect(reach(running, 5432, ['127.0.0.1', '172.21.0.1'])).toEqual({ host: '127.0.0.1', port: 32790 });
    expect(reach(running, 5432, [])).toEqual({ host: '127.0.0.1', port: 32790 });
  });

  test('is reached on loopback where it is published everywhere', () => {
    const Ports = { '5432/tcp': [{ HostIp: '0.0.0.0', HostPort: '32790' }] };
    expect(reach({ ...running, Ports }, 5432, [])).toEqual({ host: '127.0.0.1', port: 32790 });
  });

  test('is not reached while it does not run, or is not published', () => {
    const stopped = { Networks: { citus_default: { IPAddress: '', IPPrefixLen: 0 } }, Ports: {} };
    expect(reach(stopped, 5432, ['172.20.0.1'])).toBeUndefined();
    expect(reach({ ...running, Ports: { '5432/tcp': null } }, 5432, [])).toBeUndefined();
  });
});
