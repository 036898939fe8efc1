/** Checks the port that a server should listen on, before anything is started behind it. */

import { lookup } from 'node:dns/promises';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export type PortCheck =
  /** `address`: the IP address to listen on. */
  { readonly type: 'free'; readonly address: string } | { readonly type: 'refused'; readonly text: string };

const TURN_RETRY_MS = 10;
const TURN_TIMEOUT_MS = 2_000;

/** A firewall may drop the connection that tries the port. By then the port has been bound. */
const CONNECT_TIMEOUT_MS = 1_000;

/** Whether the port is free. By the time the server listens, the answer may be out of date. */
export async function checkPort(host: string, port: number): Promise<PortCheck> {
  try {
    const { address } = await lookup(host);
    const error = await findPortFault(address, port);
    return error === undefined
      ? { type: 'free', address }
      : { type: 'refused', text: describeListenError(error, host, port) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { type: 'refused', text: describeListenError(error, host, port) };
  }
}

/**
 * Why the port is unavailable; undefined if it is free.
 *
 * Binds the port exclusively, which detects any other listener, even one that shares the port; threads that share the
 * port would not detect that one. It does not listen: a client that connects at this moment is refused as before,
 * whereas a short-lived listener would accept the connection and then reset it.
 *
 * Node binds without listening only when connecting from a port. So this connects the port to itself, which TCP allows.
 */
export function findPortFault(address: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  if (port === 0) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = connect({ host: reachable(address), port, localAddress: address, localPort: port });
    const settle = (error?: NodeJS.ErrnoException): void => {
      // Without this reset the system would keep the port busy for a minute.
      socket.resetAndDestroy();
      resolve(error?.syscall === 'bind' ? error : undefined);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, settle);
    socket.once('connect', () => settle());
    socket.once('error', settle);
  });
}

/**
 * Runs `open` while no other server opens this port: two servers that find it free at the same moment and share it
 * between their threads would both get it. Stops waiting for a server that holds the turn for longer than opening
 * takes.
 */
export async function inTurn<T>(port: number, open: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + TURN_TIMEOUT_MS;
  let turn = await takeTurn(port);
  while (turn === undefined && performance.now() < deadline) {
    await pause(TURN_RETRY_MS);
    turn = await takeTurn(port);
  }
  try {
    return await open();
  } finally {
    turn?.close();
  }
}

/** A turn is an abstract socket (Linux), whose name only one process can own at a time. Undefined if another has it. */
function takeTurn(port: number): Promise<Server | undefined> {
  const turn = createServer();
  return new Promise((resolve) => {
    turn.once('error', () => resolve(undefined));
    turn.listen(`\0parley-opens-${port}`, () => resolve(turn));
  });
}

export function describeListenError(
  error: { readonly code?: string | undefined; readonly message: string },
  host: string,
  port: number,
): string {
  const address = formatAddress(host, port);
  switch (error.code) {
    case 'EADDRINUSE':
      return `${address} is in use by another program; stop that program, or choose another --port`;
    case 'EACCES':
      return `${address} needs more privileges than this user has; choose a --port of 1024 or more`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine; choose another --host`;
    default:
      return `cannot listen on ${address}: ${error.message}`;
  }
}

/** The address at which this machine reaches a server that listens on `host`: clients cannot connect to a wildcard. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return /^[0:]+$/.test(host) && host.includes(':') ? '::1' : host;
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
