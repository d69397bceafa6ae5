/** Scripts and styles of pages, read from the files beside this one. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeFolder } from '../../model/package-files.ts';

const read = (name: string) => readFileSync(join(codeFolder(), 'reporters/page', name), 'utf8').trim();

export const PAGE_CSS = read('page.css');
export const TIMELINE_CSS = read('timeline.css');
export const RUNS_CSS = read('runs.css');
export const ZOOM_SCRIPT = read('zoom.js');
export const FILTER_SCRIPT = read('filter.js');
