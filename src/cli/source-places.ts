/** Maps places in bundled code back to pgquake's source files, with the source maps beside the bundles. */

import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeFolder, packageFolder } from '../model/package-files.ts';

/**
 * @param text an error with its stack. @param code the folder of the running code.
 * @returns the text with `src/run/runner.ts:12:3` for each place that a source map knows.
 */
export function inSourcePlaces(text: string, code = codeFolder()): string {
  const maps = new Map<string, SourceMap | undefined>();
  return text.replaceAll(/(?:file:\/\/)?(\/[^\s():]+\.js):(\d+):(\d+)/g, (place, path, line, column) => {
    const file = place.startsWith('file:') ? fileURLToPath(`file://${path}`) : path;
    if (!file.startsWith(code)) return place;
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return place;
    const source = relative(packageFolder(), join(dirname(file), entry.originalSource));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  } catch {
    return undefined; // without a source map, the bundle's own place is shown
  }
}
