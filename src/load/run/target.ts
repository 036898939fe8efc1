/**
 * Which server a run is against. Load that hits a server whose operator does not expect it is an attack: only a server on this
 * machine is taken without a word. Nothing here asks anybody about a name, so nothing at all goes to a host that is refused.
 */

import { connect } from 'node:net';
import { type Address, formatAddress, readAddress } from '../../common/address.ts';
import { EXIT } from '../../common/exit.ts';
import { isLoopback } from '../generator/loopback.ts';

export type Target =
  /** One that is started for the run: `own-server.ts`. */
  | { readonly type: 'own' }
  | { readonly type: 'server'; readonly address: Address; readonly isLoopback: boolean }
  | { readonly type: 'refused'; readonly exitCode: typeof EXIT.usage; readonly text: string };

export interface TargetOptions {
  /** `HOST`, `HOST:PORT` or `[IPv6]:PORT`. */
  readonly server?: string | undefined;
  /** The host of which the user says that it may be loaded. */
  readonly iMayLoad?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;

export function readTarget({ server, iMayLoad }: TargetOptions): Target {
  if (server === undefined) {
    if (iMayLoad === undefined) return { type: 'own' };
    return refuse(`--i-may-load says whom you may load, not whom to load: add --server ${iMayLoad}`);
  }
  const read = readAddress(server);
  if (read.type === 'refused') return refuse(`--server: ${read.text}`);
  const { address } = read;
  const { host } = address;
  if (isLoopback(host)) return { type: 'server', address, isLoopback: true };
  if (iMayLoad === undefined) {
    return refuse(
      `${formatAddress(address)} is not this machine, and a load test without its operator's leave is an attack: nothing was sent. ` +
        `If the server is yours, or its operator has agreed, add --i-may-load ${host}`,
    );
  }
  if (unbracketed(iMayLoad).toLowerCase() !== host.toLowerCase()) {
    return refuse(
      `--i-may-load ${iMayLoad} is not the host of --server ${server}, so nothing was sent: ` +
        `if you may load that one, it is --i-may-load ${host}`,
    );
  }
  return { type: 'server', address, isLoopback: false };
}

/**
 * The address with an IP address in the place of `localhost`, so that all connections of a run go to one server and their
 * source addresses fit: 127.0.0.1, unless only `::1` answers. Any other address as it is.
 */
export async function settleLocalhost({ host, port }: Address): Promise<Address> {
  if (host.toLowerCase() !== 'localhost') return { host, port };
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => doesListen({ host, port })));
  const isSixOnly = answers[0] === false && answers[1] === true;
  return { host: isSixOnly ? '::1' : '127.0.0.1', port };
}

function doesListen(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    const settle = (does: boolean): void => {
      socket.destroy();
      resolve(does);
    };
    socket.on('connect', () => settle(true));
    socket.on('timeout', () => settle(false));
    socket.on('error', () => settle(false));
  });
}

/** As an IPv6 address is often written. */
function unbracketed(host: string): string {
  return /^\[(.*)\]$/.exec(host)?.[1] ?? host;
}

function refuse(text: string): Target {
  return { type: 'refused', exitCode: EXIT.usage, text };
}
