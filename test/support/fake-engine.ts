import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DockerClient } from '../../src/platforms/docker/client.ts';

/** A web server in place of a Docker engine: it says that it is one, and the test answers everything else. */
export function fakeEngine(answer: RequestListener): Server {
  return createServer((request, response) => {
    if (request.url !== '/version') answer(request, response);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ ApiVersion: '1.41' }));
  });
}

/** Starts it on a free port. @returns a client for it. */
export async function clientOf(engine: Server): Promise<DockerClient> {
  await new Promise<void>((listening) => engine.listen(0, '127.0.0.1', listening));
  return DockerClient.of({ DOCKER_HOST: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}` });
}
