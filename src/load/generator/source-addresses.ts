/**
 * Chooses the source addresses of connections. A source address has about 28,000 ports for connections to one server, and a port
 * stays in use for a minute after its connection has ended. On Linux all of 127.0.0.0/8 belongs to this machine, so connections
 * to a loopback address can use as many source addresses as they need.
 */

import { isIPv4 } from 'node:net';
import { readProc } from '../run/proc-file.ts';
import { isLoopback } from './loopback.ts';

export type CheckedPorts = { readonly type: 'enough' } | { readonly type: 'too_few'; readonly text: string };

/** The default on Linux, see ip(7), and roughly that of other systems. */
const DEFAULT_PORTS = 60_999 - 32_768 + 1;
/**
 * The fraction of an address's ports that is used. The kernel is slow to find a free port when most are in use, and reconnecting
 * users leave used ports behind.
 */
const USED_SHARE = 1 / 8;
/** All of 127.0.0.0/8 except the network address and the broadcast address. */
const ADDRESSES = 2 ** 24 - 2;

/**
 * Returns the source address for a connection's index: 127.0.0.1 for the first few thousand connections, and so on. `host` is an
 * IP address. The result is undefined, which means any address, for other hosts, on other systems, and for `::1`, the only
 * loopback address of IPv6.
 */
export function sourceAddresses(host: string): (index: number) => string | undefined {
  if (!hasMany(host)) return () => undefined;
  const each = Math.max(1, Math.floor(portsOfAddress() * USED_SHARE));
  return (index) => {
    const address = (Math.floor(index / each) % ADDRESSES) + 1;
    return `127.${address >>> 16}.${(address >>> 8) & 0xff}.${address & 0xff}`;
  };
}

/** Whether there are enough ports for that many simultaneous connections to `host`. */
export function checkPorts(host: string, connections: number): CheckedPorts {
  const ports = portsOfAddress();
  if (hasMany(host) || connections <= ports) return { type: 'enough' };
  const more = isLoopback(host)
    ? 'let the server listen on 127.0.0.1, because on Linux a run can connect to it from many source addresses'
    : 'run the test from several machines';
  return {
    type: 'too_few',
    text:
      `${connections} connections to ${host} need as many ports, but this machine has ${ports} of them: ${more}, ` +
      'or widen the range (Linux: sysctl -w net.ipv4.ip_local_port_range="1024 65535")',
  };
}

function hasMany(host: string): boolean {
  return process.platform === 'linux' && isIPv4(host) && isLoopback(host);
}

function portsOfAddress(): number {
  const [first = 0, last = 0] = (readProc('sys/net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  return last > first ? last - first + 1 : DEFAULT_PORTS;
}
