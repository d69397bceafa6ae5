/*
 * After `npm ci` in a checkout: builds it, so that it starts fast. Without the development dependencies there is nothing to
 * build with, and the checkout runs its source. Any Node.js reads this file.
 */
'use strict';

const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

let canBuild = true;
try {
  require.resolve('rolldown');
} catch {
  canBuild = false;
}
if (canBuild) {
  process.exitCode = spawnSync(process.execPath, [join(__dirname, 'build.ts')], { stdio: 'inherit' }).status ?? 1;
}
