import { defineConfig } from 'pgquake';
import { copies } from '../src/copies.ts';
import { healsWithin } from '../src/heals-within.ts';
import { orders } from '../src/orders.ts';
import { smallServers } from '../src/small-servers.ts';
import { statementLimit } from '../src/statement-limit.ts';

export default defineConfig({
  faults: [statementLimit],
  checks: [healsWithin],
  workloads: [orders],
  engines: [copies],
  platforms: [smallServers],
  platform: 'local',
  reports: '../reports',
});
