/** Recognizes loopback addresses. */

import { BlockList, isIP } from 'node:net';

const addresses = new BlockList();
addresses.addSubnet('127.0.0.0', 8);
addresses.addAddress('::1', 'ipv6');

/** True for 127.0.0.0/8 (RFC 1122, 3.2.1.3), `::1` in all its forms, and `localhost`. Never resolves other names. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const version = isIP(host);
  return version !== 0 && addresses.check(host, version === 6 ? 'ipv6' : 'ipv4');
}
