/** A server whose main thread is that of the test, for what only this thread can ask of it. Its threads are real. */

import { closeSync, openSync } from 'node:fs';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { LossyOutput } from '../../src/common/lossy-output.ts';
import { type Server, type ServerOptions, startServer } from '../../src/server/server.ts';

/** `data`: a folder that does not exist yet. Logs to a file beside it. Stops when the test has finished. */
export async function startServerHere(
  data: string,
  options: Partial<Omit<ServerOptions, 'data'>> = {},
): Promise<Server> {
  const log = openSync(`${data}.log`, 'a');
  const started = await startServer(
    {
      host: '127.0.0.1',
      port: 0,
      workers: 1,
      hashWorkers: 1,
      guests: false,
      logLevel: 'info',
      keepMs: Number.POSITIVE_INFINITY,
      outboxLimit: 1_048_576,
      commandsPerSecond: 0,
      ...options,
      data,
    },
    pino({ level: 'silent' }),
    new LossyOutput(log),
  );
  if (started.type === 'refused') throw new Error(started.text);
  onTestFinished(async () => {
    await started.server.stop();
    closeSync(log);
  });
  return started.server;
}
