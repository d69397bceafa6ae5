/** How to reach a server. Both the driver and the ports need it. */

/** Holds the password: never print it whole. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** How to encrypt and verify the connection; absent: not encrypted. */
  readonly tls?: TlsOptions;
  /**
   * Set where no statement may be prepared under a name. `forgotten`: a pooler in between forgets it. `unsure`: pgquake
   * could not find out. Absent where the server keeps prepared statements.
   */
  readonly unnamedStatements?: 'forgotten' | 'unsure';
}

export interface TlsOptions {
  /**
   * How to verify the certificate. `none`: not at all. `ca`: a root certificate signed it. `full`: also for this host.
   */
  readonly verify: 'none' | 'ca' | 'full';
  /** The root certificate, PEM; Node's own by default. */
  readonly ca?: string;
}

/** `10.0.0.5:5432`, `[::1]:5432` */
export function hostPort({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The host of a URI as a socket takes it: without the brackets of an IPv6 address. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
