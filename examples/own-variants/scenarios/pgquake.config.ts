import { defineConfig } from 'pgquake';
import { copies } from '../src/copies.ts';
import { healsWithin } from '../src/heals-within.ts';
import { orders } from '../src/orders.ts';
import { statementLimit } from '../src/statement-limit.ts';

export default defineConfig({
  faults: [statementLimit],
  checks: [healsWithin],
  workloads: [orders],
  engines: [copies],
  platform: 'local',
  reports: '../reports',
});
