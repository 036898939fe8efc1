/** The protocols the load test speaks. */

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

/** `source` is the name of a wire above, or the `file:` URL of a module that exports another one as `wire`. */
export async function loadWire(source: string): Promise<Wire> {
  if (!source.startsWith('file:')) return wireNamed(source);
  const { wire }: { readonly wire: Wire } = await import(source);
  return wire;
}

/** As many as leave the server the other half of the machine. */
export function usualThreads(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}
