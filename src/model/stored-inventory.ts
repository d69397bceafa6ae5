/** The schema of an inventory in `plan.json` and `cluster.json`. It holds no password. */

import { z } from 'zod';

const reachedBy = {
  name: z.string(),
  connection: z.object({
    host: z.string(),
    port: z.int(),
    user: z.string(),
    database: z.string(),
    sslmode: z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']),
    sslrootcert: z.string().exactOptional(),
  }),
  passwordFile: z.string().exactOptional(),
  passwordEnv: z.string().exactOptional(),
};

const container = z.object({
  container: z.string(),
  host: z.string().exactOptional(),
  certPath: z.string().exactOptional(),
  context: z.string().exactOptional(),
});

const machine = z.object({
  to: z.string(),
  service: z.string().exactOptional(),
  config: z.string().exactOptional(),
  undoAfterMs: z.number().min(0),
});

export const storedInventorySchema = z.object({
  name: z.string(),
  manager: z.object({ engine: z.string(), address: z.string() }).exactOptional(),
  nodes: z.array(
    z.object({
      ...reachedBy,
      docker: container.exactOptional(),
      ssh: machine.exactOptional(),
      peer: z.object({ host: z.string(), port: z.int() }).exactOptional(),
    }),
  ),
  routes: z.array(z.object({ ...reachedBy, access: z.enum(['read', 'write']) })),
});
