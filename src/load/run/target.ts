/**
 * Determines the server of a run. Load that an operator does not expect is an attack, so only loopback addresses are accepted
 * without confirmation. No names are resolved here, so nothing at all is sent to a host that is refused.
 */

import { connect } from 'node:net';
import { type Address, formatAddress, readAddress } from '../../common/address.ts';
import { EXIT } from '../../common/exit.ts';
import { isLoopback } from '../generator/loopback.ts';

export type Target =
  /** A server that is started for the run, see `own-server.ts`. */
  | { readonly type: 'own' }
  | { readonly type: 'server'; readonly address: Address; readonly isLoopback: boolean }
  | { readonly type: 'refused'; readonly exitCode: typeof EXIT.usage; readonly text: string };

export interface TargetOptions {
  /** `HOST`, `HOST:PORT` or `[IPv6]:PORT`. */
  readonly server?: string | undefined;
  /** The host that the user confirms may be loaded. */
  readonly iMayLoad?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;

export function readTarget({ server, iMayLoad }: TargetOptions): Target {
  if (server === undefined) {
    if (iMayLoad === undefined) return { type: 'own' };
    return refuse(
      `--i-may-load confirms that you may load a host but does not choose it: add --server ${iMayLoad}`,
    );
  }
  const read = readAddress(server);
  if (read.type === 'refused') return refuse(`--server: ${read.text}`);
  const { address } = read;
  const { host } = address;
  if (isLoopback(host)) return { type: 'server', address, isLoopback: true };
  if (iMayLoad === undefined) {
    return refuse(
      `${formatAddress(address)} is not this machine, and a load test without its operator's permission is an attack, so nothing was sent. ` +
        `If the server is yours, or its operator has agreed, add --i-may-load ${host}`,
    );
  }
  if (unbracketed(iMayLoad).toLowerCase() !== host.toLowerCase()) {
    return refuse(
      `--i-may-load ${iMayLoad} is not the host of --server ${server}, so nothing was sent. ` +
        `If you may load that host, use --i-may-load ${host}`,
    );
  }
  return { type: 'server', address, isLoopback: false };
}

/**
 * Replaces `localhost` by an IP address, so that all connections of a run reach the same server from suitable source addresses:
 * 127.0.0.1, unless only `::1` answers. Returns any other address unchanged.
 */
export async function resolveLocalhost({ host, port }: Address): Promise<Address> {
  if (host.toLowerCase() !== 'localhost') return { host, port };
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => isListening({ host, port })));
  const isSixOnly = answers[0] === false && answers[1] === true;
  return { host: isSixOnly ? '::1' : '127.0.0.1', port };
}

function isListening(address: Address): Promise<boolean> {
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

/** Removes the brackets that IPv6 addresses are often written with. */
function unbracketed(host: string): string {
  return /^\[(.*)\]$/.exec(host)?.[1] ?? host;
}

function refuse(text: string): Target {
  return { type: 'refused', exitCode: EXIT.usage, text };
}
