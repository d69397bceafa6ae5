/**
 * Lets packets vanish before a TCP socket of this process sees them, unacknowledged, as if the network had lost
 * them: a socket filter of Linux. Newer kernels let only those with CAP_NET_ADMIN, such as root, put one on a TCP
 * socket of theirs.
 */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { EnvironmentError, errorText } from '../../../model/errors.ts';

/** A socket that a filter can be put on: one that listens, or a connection. */
export type Filtered = Server | Socket;

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SO_MEMINFO = 55;
/** The system's number for what is not permitted. */
const EPERM = 1;
/** Among the numbers of SO_MEMINFO: how many packets were dropped. */
const DROPS = 8;

/** Of the kernel's classic filter language, from linux/filter.h. */
const LOAD_RANDOM = { code: 0x20, jt: 0, jf: 0, k: 0xfffff038 };
const KEEP = { code: 0x06, jt: 0, jf: 0, k: 0xffffffff };
const DROP = { code: 0x06, jt: 0, jf: 0, k: 0 };
const skipOneUnlessAtLeast = (k: number) => ({ code: 0x35, jt: 0, jf: 1, k });

export class PacketFilter {
  static #opening: Promise<PacketFilter> | undefined;
  readonly #set: (fd: number, option: number, program: object) => number | undefined;
  readonly #memory: (fd: number) => readonly number[];

  private constructor(
    set: (fd: number, option: number, program: object) => number | undefined,
    memory: (fd: number) => readonly number[],
  ) {
    this.#set = set;
    this.#memory = memory;
  }

  /**
   * Tries one, for it depends on the system, the kernel, who asks, and a package.
   * @throws EnvironmentError with what would be needed.
   */
  static async open(): Promise<PacketFilter> {
    if (process.platform !== 'linux') throw unusable(`it needs Linux, and this is ${process.platform}`);
    PacketFilter.#opening ??= PacketFilter.#load();
    const filter = await PacketFilter.#opening;
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    try {
      filter.drop(listener, 1);
    } finally {
      listener.close();
    }
    return filter;
  }

  static async #load(): Promise<PacketFilter> {
    try {
      const { default: koffi } = await import('koffi');
      const instruction = koffi.struct({ code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' });
      const program = koffi.struct({ len: 'uint16_t', filter: koffi.pointer(instruction) });
      const libc = koffi.load(null);
      const set = libc.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32_t']);
      const get = libc.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', koffi.inout('uint32_t *')]);
      return new PacketFilter(
        (fd, option, value) =>
          set(fd, SOL_SOCKET, option, value, koffi.sizeof(program)) === 0 ? undefined : koffi.errno(),
        (fd) => {
          const numbers = new Uint32Array(DROPS + 1);
          return get(fd, SOL_SOCKET, SO_MEMINFO, numbers, [numbers.byteLength]) === 0 ? [...numbers] : [];
        },
      );
    } catch (error) {
      throw unusable(`it needs the npm package koffi, an optional dependency, for this machine: ${errorText(error)}`);
    }
  }

  /**
   * From now on so many of the packets that come to the socket vanish; those that listen pass it on to
   * connections that they let in. Harmless on a socket that is closed.
   * @param share from 0 to 1.
   * @throws EnvironmentError where the kernel refuses.
   */
  drop(socket: Filtered, share: number): void {
    const fd = descriptorOf(socket);
    if (fd === undefined) return;
    const filter = share < 1 ? [LOAD_RANDOM, skipOneUnlessAtLeast(share * 2 ** 32), KEEP, DROP] : [DROP];
    const option = share > 0 ? SO_ATTACH_FILTER : SO_DETACH_FILTER;
    const refusal = this.#set(fd, option, { len: filter.length, filter });
    // Where there is no filter, there is none to be taken away.
    if (refusal === undefined || share === 0) return;
    throw unusable(
      refusal === EPERM
        ? 'this kernel lets only root, or who has CAP_NET_ADMIN, filter TCP sockets'
        : `the kernel refuses a socket filter with error ${refusal}`,
    );
  }

  /** How many packets to the socket have vanished since it is there; 0 for one that is closed. */
  dropped(socket: Filtered): number {
    const fd = descriptorOf(socket);
    return fd === undefined ? 0 : (this.#memory(fd)[DROPS] ?? 0);
  }
}

function descriptorOf(socket: Filtered): number | undefined {
  // Node.js shows it nowhere else.
  const fd = (socket as unknown as { _handle?: { fd: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

function unusable(reason: string): EnvironmentError {
  return new EnvironmentError(`packets cannot be dropped here: ${reason}`, {
    code: 'packet-filter-missing',
    hint: 'use the platform docker',
  });
}
