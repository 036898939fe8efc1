/** The `parley serve` process: prints the address, handles signals, and exits with the right code. */

import { obeyParentProcess } from '../actors/kernel/fault-injection.ts';
import { endProcess } from '../actors/kernel/worker-lifetime.ts';
import { EXIT, type ExitCode } from '../common/exit.ts';
import { openLog, openLogOutput } from '../common/log.ts';
import { LossyOutput } from '../common/lossy-output.ts';
import { onStopSignal } from '../common/stop-signals.ts';
import { watchOpenFiles } from './descriptor-limit.ts';
import { onNpmGone } from './npm-parent.ts';
import { formatAddress, reachable } from './port.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

/** Time limit of a whole shutdown, in milliseconds. */
const STOP_MS = 4_900;
/** When an unfinished shutdown is cut off. The log on disk is intact anyway. */
const CUT_OFF_MS = 4_000;
/** How long the exit waits for the last log lines to be written. */
const FLUSH_MS = 150;

export async function serve(options: ServerOptions): Promise<void> {
  // Everything this process creates is for its owner only.
  process.umask(0o077);
  const output = await openLogOutput();
  const log = openLog('main', options.logLevel, output);
  let server: Server | undefined;
  let stoppingSince: number | undefined;
  let isExiting = false;
  const exit = async (code: ExitCode): Promise<void> => {
    if (isExiting) return;
    isExiting = true;
    await output.flush(FLUSH_MS);
    // Errors from threads that are being terminated are not worth logging.
    log.level = 'silent';
    const endsAt = (stoppingSince ?? performance.now()) + STOP_MS - FLUSH_MS;
    await endProcess(code, endsAt - performance.now(), () => output.isQuiet(FLUSH_MS));
  };
  const fail = (error: Error): void => {
    if (isExiting) return;
    log.fatal({ event: 'server.failed', err: error }, 'the server cannot continue');
    output.write(`parley: the server cannot continue: ${error.message}`);
    void exit(EXIT.failure);
  };
  const stop = async (cause: string): Promise<void> => {
    if (stoppingSince !== undefined) return;
    const since = performance.now();
    stoppingSince = since;
    log.info({ event: 'server.stopping', cause }, `the server is stopping: ${cause}`);
    setTimeout(() => {
      log.warn({ event: 'server.cut_off' }, `the shutdown was cut off after ${CUT_OFF_MS} ms`);
      void exit(EXIT.ok);
    }, CUT_OFF_MS);
    // A server that is still starting has no clients to notify.
    await server?.stop();
    const tookMs = Math.round(performance.now() - since);
    log.info({ event: 'server.stopped', tookMs }, `the server stopped after ${tookMs} ms`);
    await exit(EXIT.ok);
  };
  onStopSignal((signal, isAgain) => void (isAgain ? exit(EXIT.interrupted) : stop(signal)));
  onNpmGone(() => void stop('the npm that started it has exited'));
  process.on('uncaughtException', fail);
  // The server does not use stdout, and nothing else that writes to it may end the process. The same holds for stderr;
  // see `cli/main.ts`.
  process.stdout.on('error', () => {});
  watchOpenFiles(log);
  const started = await startServer(options, log, output);
  // During a stop, whatever was still starting may fail because of it.
  if (stoppingSince !== undefined) return;
  if (started.type === 'refused') {
    output.write(`parley: ${started.text}`);
    return exit(started.exitCode);
  }
  server = started.server;
  obeyParentProcess();
  announce(server, options.host);
  log.info(
    { event: 'server.listening', address: server.address, ...options },
    `listening on ${server.address}`,
  );
  fail(await server.failed);
}

function announce({ address, port }: Server, host: string): void {
  const there = formatAddress(reachable(host), port);
  new LossyOutput(1).write(`listening on ${address}\nconnect with: parley connect ${there}\n`);
}
