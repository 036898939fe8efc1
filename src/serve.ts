/** `parley serve` as a process: prints where it listens, obeys signals, and ends with the right exit code. */

import { type Crash, hasTestHooks, isCrash } from './actors/crash.ts';
import { endProcess } from './actors/lifetime.ts';
import { EXIT } from './exit.ts';
import { openLog } from './log.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

/** The whole of a shutdown, in milliseconds. What is not done by then is cut off; the log on disk is whole anyway. */
const STOP_TIMEOUT_MS = 4_800;

export async function serve(options: ServerOptions): Promise<void> {
  // Whatever this process creates is for its owner alone.
  process.umask(0o077);
  const log = await openLog('main', options.logLevel);
  const started = await startServer(options, log);
  if (started.type === 'refused') {
    console.error(`parley: ${started.text}`);
    process.exit(started.exitCode);
  }
  const { server } = started;
  obeySignals(server);
  if (hasTestHooks()) obeyCrashes(server);
  process.stdout.on('error', () => {});
  process.stdout.write(`listening on ${server.address}\nconnect with: parley connect ${server.address}\n`);
  log.info(
    { event: 'server.listening', address: server.address, ...options },
    `listening on ${server.address}`,
  );
  const error = await server.failed;
  log.fatal({ event: 'server.failed', err: error }, 'the server cannot go on');
  console.error(`parley: the server cannot go on: ${error.message}`);
  endProcess(EXIT.failure);
}

/** The first signal stops the server in order, the second one at once. */
function obeySignals(server: Server): void {
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) process.exit(EXIT.interrupted);
    isStopping = true;
    setTimeout(() => endProcess(EXIT.ok), STOP_TIMEOUT_MS);
    await server.stop();
    process.exit(EXIT.ok);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

interface Crashing {
  crash(thread: string, how: Crash, part?: string): boolean;
}

/**
 * `{ crash: 'registry', how: 'spin' }` from the parent process makes that thread go wrong, `kill` if it does not say
 * how. `hash` is the thread of the hash pool that gets the next task.
 */
function obeyCrashes(server: Crashing): void {
  process.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('crash' in message)) return;
    const { crash: thread } = message;
    const how = 'how' in message ? message.how : 'kill';
    if (typeof thread !== 'string' || !isCrash(how)) return;
    if (thread === 'hash') server.crash('auth', how, 'hash');
    else server.crash(thread, how);
  });
}
