/** `parley serve` as a process: prints where it listens, obeys signals, and ends with the right exit code. */

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
  if (process.env.PARLEY_TEST_HOOKS === '1') obeyCrashes(server);
  process.stdout.on('error', () => {});
  process.stdout.write(`listening on ${server.address}\nconnect with: parley connect ${server.address}\n`);
  log.info(
    { event: 'server.listening', address: server.address, ...options },
    `listening on ${server.address}`,
  );
  const error = await server.failed;
  log.fatal({ event: 'server.failed', err: error }, 'the server cannot go on');
  console.error(`parley: the server cannot go on: ${error.message}`);
  process.exit(EXIT.failure);
}

/** The first signal stops the server in order, the second one at once. */
function obeySignals(server: Server): void {
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) process.exit(EXIT.interrupted);
    isStopping = true;
    setTimeout(() => process.exit(EXIT.ok), STOP_TIMEOUT_MS);
    await server.stop();
    process.exit(EXIT.ok);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** `{ crash: 'registry' }` from the parent process ends that thread. */
function obeyCrashes(server: Server): void {
  process.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('crash' in message)) return;
    if (typeof message.crash === 'string') server.crash(message.crash);
  });
}
