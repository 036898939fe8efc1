/** The thread that holds the idle connections; see `idle-clients.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { lowerPriority } from '../../src/actors/kernel/thread-priority.ts';
import { sourceAddresses } from '../../src/load/generator/source-addresses.ts';
import { accountName } from '../../src/load/scenario/account.ts';
import { forEachConcurrently } from '../concurrency.ts';
import { IdleClient } from './idle-client.ts';
import type { Command, Done, IdleClientsPlan } from './plan.ts';

// In production the clients run on other machines, so the CPU time that they take here says nothing about the server.
lowerPriority();
const plan: IdleClientsPlan = workerData;
/** Connections come from many loopback addresses. */
const sourceOf = sourceAddresses('127.0.0.1');
const clients = Array.from({ length: plan.size }, (_, index) => {
  const { password } = plan;
  const name = password === undefined ? `guest-${index + 1}` : accountName(index + 1);
  return new IdleClient({ name, password }, sourceOf(index));
});

parentPort?.on('message', async (command: Command) => {
  const began = performance.now();
  if (command.type === 'disconnect') for (const client of clients) client.disconnect();
  else await connect(command);
  const failures = clients.reduce((sum, client) => sum + client.failures, 0);
  for (const client of clients) client.failures = 0;
  parentPort?.postMessage({ seconds: (performance.now() - began) / 1_000, failures } satisfies Done);
});

function connect({ host, port, concurrency, isReconnect }: Command & { type: 'connect' }): Promise<void> {
  return forEachConcurrently(clients, concurrency, async (client, index) => {
    await client.connect({ host, port });
    if (plan.room > 0 && !isReconnect) await client.join(`#idle-${Math.floor(index / plan.room)}`);
  });
}
