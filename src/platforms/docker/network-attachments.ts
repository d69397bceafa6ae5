/** Takes a container off all its networks, and puts it back with its names and address. */

import type { ContainerInspectInfo } from 'dockerode';
import { z } from 'zod';
import type { NodeAttachments } from '../../cluster/platform.ts';
import { type DockerClient, EngineRefusal } from './client.ts';

/** As in the journal of undos. */
const attachmentSchema = z.object({ network: z.string(), aliases: z.array(z.string()), address: z.string() });

export interface AttachmentOptions {
  readonly client: DockerClient;
  readonly containerId: string;
  readonly containerName: () => string;
  readonly inspect: () => Promise<ContainerInspectInfo>;
}

export class NetworkAttachments implements NodeAttachments {
  readonly #options: AttachmentOptions;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  async list(): Promise<z.output<typeof attachmentSchema>[]> {
    const { NetworkSettings } = await this.#options.inspect();
    return Object.entries(NetworkSettings.Networks).map(([network, { Aliases, IPAddress }]) => ({
      network,
      aliases: Aliases ?? [],
      address: IPAddress,
    }));
  }

  async detach(): Promise<void> {
    const { client, containerId, containerName } = this.#options;
    for (const { network } of z.array(attachmentSchema).parse(await this.list())) {
      await client.call(`take container ${containerName()} off the network ${network}`, (docker, abortSignal) =>
        docker.getNetwork(network).disconnect({ Container: containerId, abortSignal } as object),
      );
    }
  }

  async attach(attachments: Parameters<NodeAttachments['attach']>[0]): Promise<void> {
    const present = z.array(attachmentSchema).parse(await this.list());
    for (const attachment of z.array(attachmentSchema).parse(attachments)) {
      if (!present.some(({ network }) => network === attachment.network)) await this.#connect(attachment);
    }
    await this.#options.inspect();
  }

  /** With its former address if the network allows that. */
  async #connect({ network, aliases, address }: z.output<typeof attachmentSchema>): Promise<void> {
    const { client, containerId, containerName } = this.#options;
    const connect = (own: object) =>
      client.call(`put container ${containerName()} into the network ${network}`, (docker, abortSignal) =>
        docker.getNetwork(network).connect({
          Container: containerId,
          EndpointConfig: { Aliases: aliases, ...own },
          abortSignal,
        } as object),
      );
    try {
      await connect(address === '' ? {} : { IPAMConfig: { IPv4Address: address } });
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      await connect({});
    }
  }
}
