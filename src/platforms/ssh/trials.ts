/** What acts by ssh need on a machine, tried by commands that change nothing. */

import type { Capability } from '../../cluster/platform.ts';

export interface Trial {
  /** For sh; if something is missing, prints it and fails. */
  readonly script: (asRoot: string, service: string) => string;
  readonly needs: string;
}

/** What sudo must allow. */
export const RIGHTS = 'sudo without a password for systemctl, kill, iptables, iptables-restore and tc';

const SWITCH = 'command -v setsid >/dev/null || { echo "it has no setsid"; exit 1; }';

const service: Trial = {
  script: (asRoot, name) => `${SWITCH}
${asRoot}systemctl show --property=LoadState ${name} >/dev/null`,
  needs: 'systemd, and setsid',
};

const shaping = (kind: 'tbf' | 'netem'): Trial => ({
  script: (asRoot) => `${SWITCH}
${asRoot}tc qdisc show >/dev/null || exit 1
grep -q ' ${kind}_' /proc/kallsyms || modinfo sch_${kind} >/dev/null 2>&1 || { echo "its kernel has no sch_${kind}"; exit 1; }`,
  needs: `tc (iproute2), and a kernel with sch_${kind}`,
});

export const TRIALS: Partial<Record<Capability, Trial>> = {
  'node-stop': service,
  'node-kill': service,
  'node-pause': service,
  'backend-kill': { script: (asRoot) => `${asRoot}kill -l >/dev/null`, needs: 'the program kill' },
  'network-rules': {
    // Looks for such a rule. That the kernel reports that there is none shows that it knows these matches.
    script: (asRoot) => `${SWITCH}
said=$(${asRoot}iptables -w 5 -C INPUT -p tcp -m statistic --mode random --probability 0.5 -m string --algo bm --string x \\
-m comment --comment trial -j REJECT --reject-with tcp-reset 2>&1) && exit 0
case $said in *'Bad rule'*|*'matching rule'*) exit 0;; *) echo "$said"; exit 1;; esac`,
    needs: 'iptables, and a kernel with its statistic, string and comment matches',
  },
  'network-bandwidth': shaping('tbf'),
  'network-latency': shaping('netem'),
};
