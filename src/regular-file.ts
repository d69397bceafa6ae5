/** Reads files that a user names. Refuses pipes and devices, because reading one may never end, and files that are too large. */

import { constants as bufferLimits } from 'node:buffer';
import { constants, readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

/** A larger file is surely not one that a person wrote. */
export const MAX_WRITTEN_BYTES = 1_000_000;

/** More is no string. */
const MAX_BYTES = bufferLimits.MAX_STRING_LENGTH;

/** Some special files count as regular, and block all the same; Windows has no such flag. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The path leads to a folder, a pipe, a device or a socket. */
export class NotRegularError extends Error {
  readonly isFolder: boolean;

  constructor(isFolder: boolean) {
    super(isFolder ? 'it is a folder; expected a file' : 'not a regular file; save its content to a file first');
    this.isFolder = isFolder;
  }
}

/** @throws the system's error, or an Error where the file is not regular or too large. */
export async function readRegular(path: string, maxBytes: number = MAX_BYTES): Promise<Buffer> {
  refuseOther(await stat(path), maxBytes);
  return readFile(path, { flag: READ });
}

/** As `readRegular`. */
export function readRegularSync(path: string, maxBytes: number = MAX_BYTES): Buffer {
  refuseOther(statSync(path), maxBytes);
  return readFileSync(path, { flag: READ as unknown as string });
}

/** As `readRegular`, for a file that something else opens. */
export function refuseUnlessRegular(path: string): void {
  refuseOther(statSync(path), Number.POSITIVE_INFINITY);
}

/** A text that a person wrote. @throws also where it is not UTF-8. */
export async function readWritten(path: string): Promise<string> {
  return textOf(await readRegular(path, MAX_WRITTEN_BYTES));
}

/** As `readWritten`. */
export function readWrittenSync(path: string): string {
  return textOf(readRegularSync(path, MAX_WRITTEN_BYTES));
}

/** @throws where the bytes are not UTF-8, with the line. */
export function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const valid = bytes.toString('utf8').indexOf('\ufffd');
    const line = bytes.toString('utf8').slice(0, valid).split('\n').length;
    throw new Error(`line ${line} is not valid UTF-8; save the file as UTF-8`);
  }
}

function refuseOther(file: Stats, maxBytes: number): void {
  if (!file.isFile()) throw new NotRegularError(file.isDirectory());
  if (file.size > maxBytes) throw new Error(`it has ${file.size} bytes; the limit is ${maxBytes}`);
}
