/**
 * The TCP sockets whose peer leaves something unanswered, as Linux lists them in `/proc/net/tcp` and `tcp6`; proc_pid_net(5).
 * There is one line for each socket of the network namespace. An IPv6 address has 32 digits:
 *
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …
 *    0: 0201A8C0:0FC8 0302A8C0:9C42 01 00000005:00000000 01:0000004F 00000002     0        0 12345 …
 *
 * `tr` is the timer that runs. 1: sent data is not acknowledged, and `retrnsmt` counts how often the kernel has sent it again.
 * 4: the peer's window is closed, and `timeout` counts the probes of that window without an answer. The first count begins anew
 * when the peer acknowledges new data, the second when it answers a probe.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';

/** A connection by its two ends: addresses and ports as Node writes them, with a blank between. */
export interface Endpoints {
  readonly local: string;
  readonly remote: string;
}

export interface UnansweredSocket {
  /** The two ends as the kernel writes them; see `readEndpoints`. */
  readonly name: string;
  readonly waitsFor: 'acknowledgement' | 'window';
  /** How often the kernel has asked in vain, from 1. */
  readonly count: number;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
const READ_BYTES = 8_192;
const READS_IN_TURN = 16;
const NEWLINE = 0x0a;
const COLON = 0x3a;
const ZERO = 0x30;
const ONE = 0x31;
const FOUR = 0x34;
const EIGHT = 0x38;
/** Where fields begin, counted from the remote port, which has four digits: the kernel's format string has fixed widths up to `retrnsmt`. */
const STATE = 5;
const TIMER = 26;
const RETRANSMITS = 38;
const USER = 46;

export type Found =
  | { readonly type: 'found'; readonly sockets: readonly UnansweredSocket[] }
  /** Neither table can be read: it may be another system than Linux, or too many files are open. */
  | { readonly type: 'failed'; readonly text: string };

/** The sockets of a local port that wait for their peer at this moment. */
export async function findUnanswered(port: number): Promise<Found> {
  const scan = new TableScan(port);
  const read = await Promise.allSettled(TABLES.map((path) => readTable(path, scan)));
  // One is missing where the system has no IPv6.
  const failures = read.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  if (failures.length === TABLES.length) return { type: 'failed', text: failures.join('; ') };
  return { type: 'found', sockets: scan.found };
}

/**
 * The kernel gives 4 KiB at a time, from its own memory: a read takes 50 µs and never waits for a disk. In the pool of threads that Node
 * has for files, the hundreds of reads that thousands of connections need would cost twice as much. Others get their turn in between.
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
      if (reads % READS_IN_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(file);
  }
}

/** Finds the few lines that matter among thousands, and makes strings of those alone. */
export class TableScan {
  readonly found: UnansweredSocket[] = [];
  readonly #port: string;

  constructor(port: number) {
    this.#port = port.toString(16).toUpperCase().padStart(4, '0');
  }

  /** Reads the lines that end before `size`, and moves what follows them to the front. Returns the size of that. */
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
    // The first line has names instead, and no colon.
    if (local === 1 || localPort === 0 || remotePort + USER > end) return;
    const timer = bytes[remotePort + TIMER + 1];
    if (timer !== ONE && timer !== FOUR) return;
    for (let i = 0; i < 4; i += 1) if (bytes[localPort + i] !== this.#port.charCodeAt(i)) return;
    // Established (01), or closed by the peer alone (08). What this process has closed is the kernel's to end.
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

/** The address is in words of 32 bits, each in the byte order of the processor. */
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

/** What `Endpoints` holds. The kernel's table does not say through which interface a link-local address is reached. */
export function endpointName(address: string | undefined, port: number | undefined): string {
  return `${address?.replace(/%.*/, '')} ${port}`;
}
