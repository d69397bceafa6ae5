#!/usr/bin/env node
// biome-ignore-all lint/style/useNodejsImportProtocol: Node.js 10 does not know it.
/*
 * Where pgquake starts: looks whether this Node.js can run it before any file is read that an old one cannot parse.
 * So this one is written for Node.js 10 and newer.
 */
'use strict';

const { existsSync } = require('fs');
const { join } = require('path');
const { pathToFileURL } = require('url');

/** As in src/cli/exit-codes.ts. Node.js itself would end with 1, which says that a scenario was refuted. */
const ENVIRONMENT = 4;
const BUG = 5;

/** main.ts replaces it, so that nothing that a config file loads ends the process. */
const { exit } = process;

const root = join(__dirname, '..');

/** What a build lowers, `await using` above all, the source needs as it is. */
const SOURCE_NODE = 24;

/** A machine that is short of something, an installation that lacks something: as in src/model/errors.ts. */
const SHORTAGES = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EPERM', 'EACCES'];
const MISSING = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ENOENT'];

function end(code, message, hint) {
  console.error(`error ${message}`);
  console.error(` hint ${hint}`);
  exit.call(process, code);
}

function endWith(error) {
  const { code } = error;
  const [reason] = String(error.message).split('\n');
  if (code === 'ERR_ACCESS_DENIED') {
    end(ENVIRONMENT, `Node.js may not read pgquake's files: ${reason}`, 'run pgquake without --permission');
  }
  // Node.js may have it only in the words of an error of its own.
  if (code === 'EMFILE' || /too many open files/.test(reason)) {
    end(ENVIRONMENT, reason, 'allow this process more open files, as with "ulimit -n 4096"');
  }
  if (SHORTAGES.indexOf(code) >= 0) end(ENVIRONMENT, reason, 'this machine is short of what the error names');
  if (MISSING.indexOf(code) >= 0) {
    end(
      ENVIRONMENT,
      `pgquake is not installed as a whole: ${reason}`,
      'install it again with npm; in a checkout run "npm ci"',
    );
  }
  console.error('This is a bug in pgquake. Please report it with the lines below.');
  console.error(error);
  exit.call(process, BUG);
}

/** @param inCheckout a package has no source. */
function refuseOldNode(found, inCheckout) {
  const wanted = /(\d+)\.(\d+)/.exec(require('../package.json').engines.node).slice(1).map(Number);
  if (found[0] > wanted[0] || (found[0] === wanted[0] && found[1] >= wanted[1])) return;
  end(
    ENVIRONMENT,
    `pgquake needs Node.js ${wanted.join('.')} or newer; this is ${process.versions.node} (${process.execPath})`,
    inCheckout
      ? 'run "npm ci", then "npm run chaos -- ...": it brings the right one; or install a newer Node.js'
      : 'install a newer Node.js, or have one here with "npm install node@24" and run "npx pgquake ..."',
  );
}

function refuseRemovedFolder() {
  try {
    process.cwd();
  } catch (error) {
    end(
      ENVIRONMENT,
      error.code === 'ENOENT'
        ? 'the current folder was removed'
        : `the current folder cannot be used: ${error.message}`,
      'change into a folder that exists, with "cd"',
    );
  }
}

function start() {
  const inCheckout = existsSync(join(root, 'src'));
  const found = process.versions.node.split('.').map(Number);
  refuseOldNode(found, inCheckout);
  refuseRemovedFolder();
  const built = !inCheckout || require('./built.cjs').isBuilt(root);
  if (!built && found[0] < SOURCE_NODE) {
    end(
      ENVIRONMENT,
      `pgquake is not built, and its source needs Node.js ${SOURCE_NODE} or newer; this is ${process.versions.node} (${process.execPath})`,
      'run "npm ci", then "npm run chaos -- ...": it brings the right one',
    );
  }
  import(pathToFileURL(join(root, built ? 'dist/cli/main.js' : 'src/cli/main.ts')).href).catch(endWith);
}

try {
  start();
} catch (error) {
  endWith(error);
}
