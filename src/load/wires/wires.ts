/** The protocols that the load test speaks. */

import { availableParallelism } from 'node:os';
import type { Wire } from './client-wire.ts';
import { ircWire } from './irc.ts';
import { parleyWire } from './parley.ts';
import { socketIoWire } from './socket-io.ts';

const WIRES: readonly Wire[] = [parleyWire, ircWire, socketIoWire];

export function wireNamed(name: string): Wire {
  const wire = WIRES.find((one) => one.name === name);
  if (wire === undefined) throw new Error(`there is no wire ${name}`);
  return wire;
}

/** As many as leave the server the other half of the machine. */
export function usualThreads(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}
