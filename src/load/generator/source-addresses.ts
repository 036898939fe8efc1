/**
 * Where connections of the load test come from. A source address has about 28,000 ports for connections to one server, and a
 * port stays taken for a minute after its connection has ended. On Linux all of 127.0.0.0/8 is this machine, so connections to
 * a loopback address can come from as many source addresses as it takes.
 */

import { isIPv4 } from 'node:net';
import { readProc } from '../run/proc-file.ts';
import { isLoopback } from './loopback.ts';

export type CheckedPorts = { readonly type: 'enough' } | { readonly type: 'too_few'; readonly text: string };

/** The default of Linux, ip(7), and about that of other systems. */
const USUAL_PORTS = 60_999 - 32_768 + 1;
/** Looking for a free port takes long when most are taken, and those who come back leave taken ones behind. */
const USED_PART = 1 / 8;
/** Without 127.0.0.0 and 127.255.255.255, the network's own address and its broadcast. */
const ADDRESSES = 2 ** 24 - 2;

/**
 * The source address of a connection to `host`, an IP address, by the connection's index: 127.0.0.1 for the first few
 * thousand, and so on. Undefined, any: to other hosts, on other systems, and to `::1`, the one loopback address of IPv6.
 */
export function sourceAddresses(host: string): (index: number) => string | undefined {
  if (!hasMany(host)) return () => undefined;
  const each = Math.max(1, Math.floor(portsOfAddress() * USED_PART));
  return (index) => {
    const address = (Math.floor(index / each) % ADDRESSES) + 1;
    return `127.${address >>> 16}.${(address >>> 8) & 0xff}.${address & 0xff}`;
  };
}

/** Whether so many connections to `host` can stand at one time. */
export function checkPorts(host: string, connections: number): CheckedPorts {
  const ports = portsOfAddress();
  if (hasMany(host) || connections <= ports) return { type: 'enough' };
  const more = isLoopback(host)
    ? 'let the server listen on 127.0.0.1, to which a run has many source addresses on Linux'
    : 'run the test from several machines';
  return {
    type: 'too_few',
    text:
      `${connections} connections to ${host} need as many ports, and this machine has ${ports} for it: ${more}, ` +
      'or widen the range (Linux: sysctl -w net.ipv4.ip_local_port_range="1024 65535")',
  };
}

function hasMany(host: string): boolean {
  return process.platform === 'linux' && isIPv4(host) && isLoopback(host);
}

function portsOfAddress(): number {
  const [first = 0, last = 0] = (readProc('sys/net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  return last > first ? last - first + 1 : USUAL_PORTS;
}
