/** The thread of a crowd; see `crowd.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { lowerPriority } from '../../src/actors/kernel/thread-priority.ts';
import { sourceAddresses } from '../../src/load/generator/source-addresses.ts';
import { accountName } from '../../src/load/scenario/account.ts';
import { inTurn } from '../in-turn.ts';
import { Member } from './member.ts';
import type { CrowdPlan, Done, Order } from './plan.ts';

// In life it is other machines: what it takes from this one says nothing about the server.
lowerPriority();
const plan: CrowdPlan = workerData;
/** One host, of which there are many addresses. */
const sourceOf = sourceAddresses('127.0.0.1');
const members = Array.from({ length: plan.size }, (_, index) => {
  const { password } = plan;
  const name = password === undefined ? `guest-${index + 1}` : accountName(index + 1);
  return new Member({ name, password }, sourceOf(index));
});

parentPort?.on('message', async (order: Order) => {
  const began = performance.now();
  if (order.type === 'leave') for (const member of members) member.leave();
  else await comeIn(order);
  const failures = members.reduce((sum, member) => sum + member.failures, 0);
  for (const member of members) member.failures = 0;
  parentPort?.postMessage({ seconds: (performance.now() - began) / 1_000, failures } satisfies Done);
});

function comeIn({ host, port, atOnce, isBack }: Order & { type: 'come_in' }): Promise<void> {
  return inTurn(members, atOnce, async (member, index) => {
    await member.comeIn({ host, port });
    if (plan.room > 0 && !isBack) await member.join(`#crowd-${Math.floor(index / plan.room)}`);
  });
}
