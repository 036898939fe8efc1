/**
 * TCP sockets whose peer leaves something unanswered, as Linux lists them in `/proc/net/tcp` and `tcp6`; see
 * proc_pid_net(5). Each line is a socket of the network namespace. IPv6 addresses have 32 digits:
 *
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …
 *    0: 0201A8C0:0FC8 0302A8C0:9C42 01 00000005:00000000 01:0000004F 00000002     0        0 12345 …
 *
 * `tr` is the active timer. 1: sent data is unacknowledged, and `retrnsmt` counts the retransmissions. 4: the peer's
 * window is closed, and `timeout` counts unanswered window probes. The first count restarts when the peer acknowledges
 * new data, the second when it answers a probe.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';

/** A connection's two ends: address and port as Node writes them, separated by a space. */
export interface Endpoints {
  readonly local: string;
  readonly remote: string;
}

export interface UnansweredSocket {
  /** The two ends as the kernel writes them; see `readEndpoints`. */
  readonly name: string;
  readonly waitsFor: 'acknowledgement' | 'window';
  /** How many times the kernel has asked in vain, from 1. */
  readonly count: number;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
const READ_BYTES = 8_192;
const READS_PER_TURN = 16;
const NEWLINE = 0x0a;
const COLON = 0x3a;
const ZERO = 0x30;
const ONE = 0x31;
const FOUR = 0x34;
const EIGHT = 0x38;
/**
 * Offsets of fields from the remote port, which has four digits: the kernel's format has fixed widths up to `retrnsmt`.
 */
const STATE = 5;
const TIMER = 26;
const RETRANSMITS = 38;
const USER = 46;

export type ScanResult =
  | { readonly type: 'found'; readonly sockets: readonly UnansweredSocket[] }
  /** Neither table could be read: this may not be Linux, or too many files are open. */
  | { readonly type: 'failed'; readonly text: string };

/** Sockets of a local port that are waiting for their peer right now. */
export async function findUnanswered(port: number): Promise<ScanResult> {
  const scan = new TableScan(port);
  const read = await Promise.allSettled(TABLES.map((path) => readTable(path, scan)));
  // One table is missing if the system has no IPv6.
  const failures = read.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  if (failures.length === TABLES.length) return { type: 'failed', text: failures.join('; ') };
  return { type: 'found', sockets: scan.found };
}

/**
 * The kernel returns 4 KiB at a time, from memory: a read takes 50 µs and never waits for a disk. In Node's thread pool
 * the hundreds of reads needed for thousands of connections would cost twice as much. Yields to other work in between.
 */
async function readTable(path: string, scan: TableScan): Promise<void> {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    let kept = 0;
    for (let reads = 1; ; reads += 1) {
      const bytesRead = readSync(file, buffer, kept, READ_BYTES - kept, null);
      if (bytesRead === 0) return;
      kept = scan.take(buffer, kept + bytesRead);
      if (reads % READS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(file);
  }
}

/** Finds the few relevant lines among thousands, and makes strings of those alone. */
export class TableScan {
  readonly found: UnansweredSocket[] = [];
  readonly #port: string;

  constructor(port: number) {
    this.#port = port.toString(16).toUpperCase().padStart(4, '0');
  }

  /** Reads the lines that end before `size`, and moves the rest to the front. Returns the size of the rest. */
  take(bytes: Buffer, size: number): number {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0 || end >= size) break;
      this.#line(bytes, start, end);
      start = end + 1;
    }
    bytes.copyWithin(0, start, size);
    return size - start;
  }

  #line(bytes: Buffer, start: number, end: number): void {
    const local = bytes.indexOf(COLON, start) + 2;
    const localPort = bytes.indexOf(COLON, local) + 1;
    const remotePort = localPort + 5 + (localPort - local);
    // The header line contains no colon.
    if (local === 1 || localPort === 0 || remotePort + USER > end) return;
    const timer = bytes[remotePort + TIMER + 1];
    if (timer !== ONE && timer !== FOUR) return;
    for (let i = 0; i < 4; i += 1) if (bytes[localPort + i] !== this.#port.charCodeAt(i)) return;
    // Established (01), or closed only by the peer (08). The kernel itself ends sockets that this process has closed.
    const state = bytes[remotePort + STATE + 1];
    if (bytes[remotePort + STATE] !== ZERO || (state !== ONE && state !== EIGHT)) return;
    const retransmits = bytes.toString('latin1', remotePort + RETRANSMITS, remotePort + RETRANSMITS + 8);
    const [, , probes = ''] = bytes.toString('latin1', remotePort + USER - 1, end).split(/ +/);
    const count = timer === ONE ? Number.parseInt(retransmits, 16) : Number(probes);
    if (!(count > 0)) return;
    const name = bytes.toString('latin1', local, remotePort + 4);
    this.found.push({ name, waitsFor: timer === ONE ? 'acknowledgement' : 'window', count });
  }
}

/** The two ends of an `UnansweredSocket`. */
export function readEndpoints(name: string): Endpoints {
  const [local = '', remote = ''] = name.split(' ');
  return { local: readEndpoint(local), remote: readEndpoint(remote) };
}

/** The address consists of 32-bit words in the byte order of the processor. */
function readEndpoint(text: string): string {
  const [hex = '', port = ''] = text.split(':');
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  return endpointName(addressOf(bytes), Number.parseInt(port, 16));
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const address = bytes.toString('hex').match(/.{4}/g)?.join(':') ?? '';
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

/**
 * An end as in `Endpoints`. The zone of a link-local address is dropped, because the kernel's table does not contain
 * it.
 */
export function endpointName(address: string | undefined, port: number | undefined): string {
  return `${address?.replace(/%.*/, '')} ${port}`;
}
