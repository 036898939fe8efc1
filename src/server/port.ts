/** The port that a server is to listen on: whether it can have it, said before anything is started behind it. */

import { lookup } from 'node:dns/promises';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export type PortCheck =
  /** `address`: the IP address to listen on. */
  { readonly type: 'free'; readonly address: string } | { readonly type: 'refused'; readonly text: string };

const TURN_RETRY_MS = 10;
const TURN_TIMEOUT_MS = 2_000;

/** A firewall may swallow what is sent to try the port. It has been bound by then. */
const TRY_TIMEOUT_MS = 1_000;

/** Whether nobody else has the port. The answer may be out of date by the time somebody listens there. */
export async function checkPort(host: string, port: number): Promise<PortCheck> {
  try {
    const { address } = await lookup(host);
    const error = await findPortFault(address, port);
    return error === undefined
      ? { type: 'free', address }
      : { type: 'refused', text: explainListen(error, host, port) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { type: 'refused', text: explainListen(error, host, port) };
  }
}

/**
 * Why the port cannot be had; undefined if it can.
 *
 * Binds it without sharing it, which finds any other that listens there, also one that shares it; threads that share the port
 * would not find that one. It does not listen: whoever connects at this moment is refused as they were before, where
 * a listener that closes again would accept them and then reset them.
 *
 * Node binds without listening only to connect from there. This connects the port to itself, which the system can do.
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
    socket.setTimeout(TRY_TIMEOUT_MS, settle);
    socket.once('connect', () => settle());
    socket.once('error', settle);
  });
}

/**
 * Runs `open` while no other server opens this port: of two that find it free at the same moment and share it between threads,
 * both would get it. Whoever has its turn for longer than opening takes is not waited for.
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

/** A turn is a name that one process at a time can have: an abstract socket (Linux). Undefined if another has it. */
function takeTurn(port: number): Promise<Server | undefined> {
  const turn = createServer();
  return new Promise((resolve) => {
    turn.once('error', () => resolve(undefined));
    turn.listen(`\0parley-opens-${port}`, () => resolve(turn));
  });
}

export function explainListen(
  error: { readonly code?: string | undefined; readonly message: string },
  host: string,
  port: number,
): string {
  const address = formatAddress(host, port);
  switch (error.code) {
    case 'EADDRINUSE':
      return `${address} is in use by another program: stop that one, or give another --port`;
    case 'EACCES':
      return `${address} needs more rights than this user has: give a --port of 1024 or more`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine: give another --host`;
    default:
      return `cannot listen on ${address}: ${error.message}`;
  }
}

/** The address under which this machine reaches a server that listens on `host`: wildcards are no addresses to connect to. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return /^[0:]+$/.test(host) && host.includes(':') ? '::1' : host;
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
