/** Events as lines of `events.ndjson`. Each ends with its checksum, so that damage shows. */

import { crc32 } from 'node:zlib';
import type { TimedEvent } from './event.ts';

const CHECKSUM = /,"crc32":"([0-9a-f]{8})"\}$/;

/** The line of an event, with its end. */
export function eventLine(event: TimedEvent): string {
  const text = JSON.stringify(event);
  return `${text.slice(0, -1)},"crc32":"${checksumOf(text)}"}\n`;
}

/**
 * Parses a line without its end. Lines of earlier versions have no checksum.
 * @throws Error if it is damaged.
 */
export function parseEventLine(line: string): unknown {
  const found = CHECKSUM.exec(line);
  if (!found) return JSON.parse(line);
  const text = `${line.slice(0, found.index)}}`;
  if (checksumOf(text) !== found[1]) throw new Error('it is damaged: its checksum is wrong');
  return JSON.parse(text);
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
