/**
 * A load that any machine bears: the ramp asks for no answers where fewer than five are due in half a second.
 */
export const SMALL_WORKLOAD = `workload:
  use: chat
  rooms: 10
  messages-per-room: 2
  read: { rate: 9/s, deadline: 1s }
  scan: { rate: 5/s, deadline: 1s }
  write: { rate: 9/s, deadline: 1s }
`;

/** A run of a few seconds: two workers, one of them is stopped, everything is judged. */
export const SMALL_SCENARIO = `name: small
summary: One of two workers stops for a second.
cluster: { workers: 2, replication: 2, shards: 2 }
${SMALL_WORKLOAD}probes: { rate: 10/s }
steady-state: { for: 500ms }
faults:
  - { fault: node-stop, target: worker1, at: 0s, for: 1s }
settle: { within: 300ms }
hypothesis:
  - { check: no-lost-writes }
`;
