/** Server addresses as people type them: `HOST`, `HOST:PORT` or `[IPv6]:PORT`. */

export const DEFAULT_PORT = 4040;
export const DEFAULT_ADDRESS = `127.0.0.1:${DEFAULT_PORT}`;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type ReadAddress =
  | { readonly type: 'address'; readonly address: Address }
  | { readonly type: 'refused'; readonly text: string };

const BRACKETED = /^\[([^[\]]*)\](?::(.*))?$/;
const PLAIN = /^([^:]*)(?::([^:]*))?$/;
const HOST = /^[A-Za-z0-9_.-]+$/;
const IPV6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?$/;

export function readAddress(typed: string): ReadAddress {
  const text = typed.trim();
  const bracketed = BRACKETED.exec(text);
  const [, host = '', port] = bracketed ?? PLAIN.exec(text) ?? [];
  if (bracketed === null && text.includes(':') && host === '' && IPV6.test(text)) {
    return refuse(`put an IPv6 address in brackets, followed by the port: [${text}]:${DEFAULT_PORT}`);
  }
  if (!(bracketed === null ? HOST : IPV6).test(host)) {
    return refuse(
      `"${text}" is not an address: type HOST, HOST:PORT or [IPv6]:PORT, such as ${DEFAULT_ADDRESS}`,
    );
  }
  const number = port === undefined ? DEFAULT_PORT : /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) return refuse(`"${port}" is not a port; use a number from 1 to 65535`);
  return { type: 'address', address: { host, port: number } };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function refuse(text: string): ReadAddress {
  return { type: 'refused', text };
}
