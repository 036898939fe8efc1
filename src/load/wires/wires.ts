/** The wires that the load test has, and how others are loaded. */

import { availableParallelism } from 'node:os';
import type { Wire } from './client-wire.ts';
import { ircWire } from './irc.ts';
import { parleyWire } from './parley.ts';

const WIRES: readonly Wire[] = [parleyWire, ircWire];

export function wireNamed(name: string): Wire {
  const wire = WIRES.find((one) => one.name === name);
  if (wire === undefined) throw new Error(`there is no wire ${name}`);
  return wire;
}

/** `source`: the name of a built-in wire, or the `file:` URL of a module that exports a `wire`. */
export async function loadWire(source: string): Promise<Wire> {
  if (!source.startsWith('file:')) return wireNamed(source);
  const { wire }: { readonly wire: Wire } = await import(source);
  return wire;
}

/** Half of the processors; the server gets the other half. */
export function defaultThreads(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}
