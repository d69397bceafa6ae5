/** How a server is reached. A file of its own, because both the driver and the ports need it. */

/** How to reach a server. Never printed as it is: it holds the password. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}
