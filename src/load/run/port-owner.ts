/** Which process listens on a TCP port of this machine. From /proc: only on Linux. */

import { readlinkSync } from 'node:fs';
import { isIP, SocketAddress } from 'node:net';
import { endianness, networkInterfaces } from 'node:os';
import type { Address } from '../../common/address.ts';
import { isLoopback } from '../generator/loopback.ts';
import { listProc, readProc, readStat } from './proc-file.ts';

/** TCP_LISTEN in the kernel's include/net/tcp_states.h. */
const LISTENING = '0A';

/** Programs that hold ports which others serve: what they use says nothing about the server. */
const DOORMEN = new Set(['systemd', 'docker-proxy']);

/**
 * The id of the process. If several hold the port, the one that all others were started by. Undefined if it cannot be known:
 * it belongs to another user, runs on another machine or in a container, or the host is a name other than `localhost`.
 */
export function listenerOf({ host, port }: Address): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const inodes = inodesOf(host, port);
  if (inodes.size === 0) return undefined;
  const holders = holdersOf(inodes).filter((pid) => !DOORMEN.has(readStat(pid)?.name ?? ''));
  return holders.find((top) => holders.every((pid) => isBelow(pid, top)));
}

/** Of the listening sockets that a connection to `host` gets to. */
function inodesOf(host: string, port: number): ReadonlySet<string> {
  const listening = [...listeningOn('net/tcp', port), ...listeningOn('net/tcp6', port)];
  for (const place of placesOf(host)) {
    const found = listening.filter(({ address }) => address === place).map(({ inode }) => inode);
    if (found.length > 0) return new Set(found);
  }
  return new Set();
}

/** The addresses that such a socket may be bound to, the one that the kernel prefers first; none if the host is not here. */
function placesOf(host: string): string[] {
  if (host.toLowerCase() === 'localhost') return [...placesOf('127.0.0.1'), ...placesOf('::1')];
  if (isIP(host) === 0 || !isHere(host)) return [];
  const address = plain(host);
  return isIP(address) === 4 ? [address, '0.0.0.0', '::'] : [address, '::'];
}

function isHere(host: string): boolean {
  if (isLoopback(host)) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address }) => plain(address) === plain(host));
}

interface Listening {
  readonly address: string;
  readonly inode: string;
}

/** Columns of the file: number, local address, remote address, state, three of queues and timers, user, timeout, inode. */
function listeningOn(file: string, port: number): Listening[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return (readProc(file) ?? '').split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state !== LISTENING || !local.endsWith(ending)) return [];
    return [{ address: addressOf(local.slice(0, -ending.length)), inode }];
  });
}

/** `0100007F` is 127.0.0.1 on most machines: each four bytes are a number as the processor keeps it. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  return plain(bytes.toString('hex').replace(/....(?!$)/g, '$&:'));
}

/** The one form of an address that can be written in several ways; an IPv4 address in the clothes of IPv6 is the former. */
function plain(text: string): string {
  const { address } = new SocketAddress({ address: text, family: isIP(text) === 6 ? 'ipv6' : 'ipv4' });
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** The processes that have one of these sockets open, of those whose files this user may see. */
function holdersOf(inodes: ReadonlySet<string>): number[] {
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  return listProc('')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => listProc(`${pid}/fd`).some((file) => links.has(linkOf(`/proc/${pid}/fd/${file}`))))
    .map(Number);
}

/** Empty if the file has been closed by now. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function isBelow(pid: number, top: number): boolean {
  for (let at = pid; at > 0; at = readStat(at)?.parent ?? 0) {
    if (at === top) return true;
  }
  return false;
}
