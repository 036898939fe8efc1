/** Finds the process that listens on a TCP port of this machine. Reads /proc, so it works only on Linux. */

import { readlinkSync } from 'node:fs';
import { isIP, SocketAddress } from 'node:net';
import { endianness, networkInterfaces } from 'node:os';
import type { Address } from '../../common/address.ts';
import { isLoopback } from '../generator/loopback.ts';
import { listProc, readProc, readStat } from './proc-file.ts';

/** TCP_LISTEN in the kernel's include/net/tcp_states.h. */
const LISTENING = '0A';

/** Programs that hold ports on behalf of servers, so their resource usage says nothing about the server. */
const PORT_HOLDERS = new Set(['systemd', 'docker-proxy']);

/**
 * The id of the process. If several processes hold the port, their common ancestor among them. Undefined if it cannot be known,
 * because the process belongs to another user, or runs on another machine or in a container, or because the host is a name other
 * than `localhost`.
 */
export function portOwnerOf({ host, port }: Address): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const inodes = inodesOf(host, port);
  if (inodes.size === 0) return undefined;
  const holders = holdersOf(inodes).filter((pid) => !PORT_HOLDERS.has(readStat(pid)?.name ?? ''));
  return holders.find((top) => holders.every((pid) => isDescendant(pid, top)));
}

/** The inodes of the listening sockets that accept connections to `host`. */
function inodesOf(host: string, port: number): ReadonlySet<string> {
  const listening = [...listeningOn('net/tcp', port), ...listeningOn('net/tcp6', port)];
  for (const candidate of boundAddressesOf(host)) {
    const found = listening.filter(({ address }) => address === candidate).map(({ inode }) => inode);
    if (found.length > 0) return new Set(found);
  }
  return new Set();
}

/**
 * The addresses that such a socket may be bound to, in the kernel's order of preference; empty if the host is another machine.
 */
function boundAddressesOf(host: string): string[] {
  if (host.toLowerCase() === 'localhost')
    return [...boundAddressesOf('127.0.0.1'), ...boundAddressesOf('::1')];
  if (isIP(host) === 0 || !isLocal(host)) return [];
  const address = canonical(host);
  return isIP(address) === 4 ? [address, '0.0.0.0', '::'] : [address, '::'];
}

function isLocal(host: string): boolean {
  if (isLoopback(host)) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address }) => canonical(address) === canonical(host));
}

interface Listening {
  readonly address: string;
  readonly inode: string;
}

/**
 * The columns of the file are: number, local address, remote address, state, three of queues and timers, user, timeout, inode.
 */
function listeningOn(file: string, port: number): Listening[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return (readProc(file) ?? '').split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state !== LISTENING || !local.endsWith(ending)) return [];
    return [{ address: addressOf(local.slice(0, -ending.length)), inode }];
  });
}

/** `0100007F` is 127.0.0.1 on most machines, because each group of four bytes is in the processor's byte order. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  return canonical(bytes.toString('hex').replace(/....(?!$)/g, '$&:'));
}

/** The canonical form of an address. IPv4-mapped IPv6 addresses count as IPv4. */
function canonical(text: string): string {
  const { address } = new SocketAddress({ address: text, family: isIP(text) === 6 ? 'ipv6' : 'ipv4' });
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** The processes that have one of these sockets open, as far as this user may inspect them. */
function holdersOf(inodes: ReadonlySet<string>): number[] {
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  return listProc('')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => listProc(`${pid}/fd`).some((file) => links.has(linkOf(`/proc/${pid}/fd/${file}`))))
    .map(Number);
}

/** Empty if the file has been closed in the meantime. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function isDescendant(pid: number, top: number): boolean {
  for (let at = pid; at > 0; at = readStat(at)?.parent ?? 0) {
    if (at === top) return true;
  }
  return false;
}
