/**
 * A relay for chat that does wrong what it is asked to, and counts that itself: what a load test reports of it must be exactly
 * that. It runs in a process of its own, so that it can stand still and go away.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/process.ts';
import { type Counted, type Faults, noCounted } from './faults.ts';

const PROGRAM = fileURLToPath(new URL('./relay-program.ts', import.meta.url));

export interface Relay {
  readonly port: number;
  readonly address: string;
  /** By its own count. After its end: what it had counted last. */
  counted(): Promise<Counted>;
  stop(): void;
}

/** Ends with the program of the tests, if it is not stopped before. */
export async function startRelay(faults: Faults = {}): Promise<Relay> {
  const child = fork(PROGRAM, [JSON.stringify(faults)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let port = 0;
  let counted = noCounted();
  let answers = 0;
  child.on('message', (message) => {
    if (typeof message !== 'object' || message === null) return;
    if ('port' in message) port = Number(message.port);
    if (!('counted' in message)) return;
    counted = { ...counted, ...Object(message.counted) };
    answers += 1;
  });
  await until('the relay to listen', () => port > 0);
  return {
    port,
    address: `127.0.0.1:${port}`,
    async counted() {
      if (!child.connected) return counted;
      const before = answers;
      child.send('count');
      await Promise.race([until('the relay to answer', () => answers > before), once(child, 'exit')]);
      return counted;
    },
    stop: () => void child.kill('SIGKILL'),
  };
}
