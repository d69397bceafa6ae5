/** How a server is reached. A file of its own, because both the driver and the ports need it. */

/** How to reach a server. Never printed as it is: it holds the password. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Encrypted, and how the server's certificate is verified; not encrypted where it is absent. */
  readonly tls?: TlsOptions;
  /**
   * Each statement is sent whole, none prepared under a name. `forgotten`: a pooler in between forgets them. `unsure`: it may,
   * which could not be found out. Absent where the server keeps them.
   */
  readonly unnamedStatements?: 'forgotten' | 'unsure';
}

export interface TlsOptions {
  /** - `none`: it is not looked at. `ca`: a root certificate has signed it. `full`: and it is for this host. */
  readonly verify: 'none' | 'ca' | 'full';
  /** The root certificate, PEM; those of Node by default. */
  readonly ca?: string;
}

/** `10.0.0.5:5432`, `[::1]:5432`: an IPv6 address has colons of its own. */
export function hostPort({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The host of a URI as sockets take it: URIs have IPv6 addresses in brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
