// biome-ignore-all lint/style/useNodejsImportProtocol: Node.js 10 does not know it.
/*
 * Whether dist/ is a build of this very source. A checkout runs its build then, which loads in a fraction of the time,
 * and else its source: a change is seen at once.
 */
'use strict';

const { readdirSync, readFileSync, statSync } = require('fs');
const { join } = require('path');

const STATE_FILE = 'source-state.txt';
const MADE_FROM = ['src', 'tools/build.ts', 'tsconfig.json', 'package.json', 'package-lock.json'];

/** Changes with every file that a build is made from: its name, its size, when it was written. */
function sourceState(root) {
  const lines = [];
  const look = (path) => {
    // Not with `join`, which takes longer than the look.
    const entry = statSync(`${root}/${path}`);
    if (entry.isDirectory()) for (const name of readdirSync(`${root}/${path}`)) look(`${path}/${name}`);
    else lines.push(`${path} ${entry.size} ${entry.mtimeMs}`);
  };
  MADE_FROM.forEach(look);
  return lines.join('\n');
}

function isBuilt(root) {
  try {
    return readFileSync(join(root, 'dist', STATE_FILE), 'utf8') === sourceState(root);
  } catch (_) {
    return false;
  }
}

module.exports = { STATE_FILE, isBuilt, sourceState };
