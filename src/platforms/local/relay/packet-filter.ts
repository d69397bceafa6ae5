/**
 * Drops packets before a TCP socket of this process sees or acknowledges them, as if the network had lost them: a Linux
 * socket filter. Newer kernels require CAP_NET_ADMIN, which root has, to attach one to a TCP socket.
 */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { EnvironmentError, errorText } from '../../../model/errors.ts';

/** A socket that can have a filter: a listener or a connection. */
export type Filtered = Server | Socket;

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SO_MEMINFO = 55;
/** The system's error number for "not permitted". */
const EPERM = 1;
/** Index in SO_MEMINFO: packets dropped. */
const DROPS = 8;

/** Instructions of the kernel's classic filter language, from linux/filter.h. */
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
   * Opens and tries a filter: that depends on the system, the kernel, the user and a package.
   * @throws EnvironmentError with what is missing.
   */
  static async open(): Promise<PacketFilter> {
    if (process.platform !== 'linux') throw unusable(`that needs Linux, and this is ${process.platform}`);
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
      throw unusable(`that needs the optional npm package koffi for this machine: ${errorText(error)}`);
    }
  }

  /**
   * Drops a share of the socket's incoming packets from now on. A listener passes the filter on to connections that it
   * accepts. Harmless on a closed socket.
   * @param share from 0 to 1.
   * @throws EnvironmentError when the kernel refuses.
   */
  drop(socket: Filtered, share: number): void {
    const fd = descriptorOf(socket);
    if (fd === undefined) return;
    const filter = share < 1 ? [LOAD_RANDOM, skipOneUnlessAtLeast(share * 2 ** 32), KEEP, DROP] : [DROP];
    const option = share > 0 ? SO_ATTACH_FILTER : SO_DETACH_FILTER;
    const refusal = this.#set(fd, option, { len: filter.length, filter });
    // Removing a filter that does not exist is harmless.
    if (refusal === undefined || share === 0) return;
    throw unusable(
      refusal === EPERM
        ? 'this kernel lets only root, or a process with CAP_NET_ADMIN, filter TCP sockets'
        : `the kernel refuses a socket filter with error ${refusal}`,
    );
  }

  /** How many packets to the socket were dropped since it was opened; 0 for a closed socket. */
  dropped(socket: Filtered): number {
    const fd = descriptorOf(socket);
    return fd === undefined ? 0 : (this.#memory(fd)[DROPS] ?? 0);
  }
}

function descriptorOf(socket: Filtered): number | undefined {
  // Node.js exposes it nowhere else.
  const fd = (socket as unknown as { _handle?: { fd: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

function unusable(reason: string): EnvironmentError {
  return new EnvironmentError(`packets cannot be dropped here: ${reason}`, {
    code: 'packet-filter-missing',
    hint: 'use the platform docker',
  });
}
