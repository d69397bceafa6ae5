/** The frame of every page: one file that opens from disk, runs only its own script and loads nothing. */

import { createHash } from 'node:crypto';
import { PAGE_CSS } from '../page/assets.ts';
import { type Content, html, trusted } from './markup.ts';

interface PageParts {
  readonly title: string;
  /** The version of pgquake. */
  readonly version: string;
  /** In addition to the style of all pages. From this program. */
  readonly css: string;
  /** From this program. */
  readonly script: string;
  readonly body: Content;
}

/** Identifies a page that pgquake wrote. */
export const PAGE_MARK = '<meta name="generator" content="pgquake ';

export function htmlPage({ title, version, css, script, body }: PageParts): string {
  // Even if a text were not escaped, the page would run only this script and load nothing.
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
${trusted(PAGE_MARK)}${version}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(PAGE_CSS)}
${trusted(css)}</style>
</head>
<body>
${body}
<script>${trusted(script)}</script>
</body>
</html>
`.markup;
}
