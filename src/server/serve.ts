/** `parley serve` as a process: prints where it listens, obeys signals, and ends with the right exit code. */

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

/** The whole of a shutdown, in milliseconds. */
const STOP_MS = 4_900;
/** When what is not done of it is cut off; the log on disk is whole anyway. */
const CUT_OFF_MS = 4_000;
/** How long the end waits for the last lines of the log to be written. */
const LAST_LINES_MS = 150;

export async function serve(options: ServerOptions): Promise<void> {
  // Whatever this process creates is for its owner alone.
  process.umask(0o077);
  const output = await openLogOutput();
  const log = openLog('main', options.logLevel, output);
  let server: Server | undefined;
  let stoppingSince: number | undefined;
  let isLeaving = false;
  const leave = async (code: ExitCode): Promise<void> => {
    if (isLeaving) return;
    isLeaving = true;
    await output.flush(LAST_LINES_MS);
    // What the threads' end looks like from the outside is not worth a line.
    log.level = 'silent';
    const endsAt = (stoppingSince ?? performance.now()) + STOP_MS - LAST_LINES_MS;
    await endProcess(code, endsAt - performance.now(), () => output.isQuiet(LAST_LINES_MS));
  };
  const fail = (error: Error): void => {
    if (isLeaving) return;
    log.fatal({ event: 'server.failed', err: error }, 'the server cannot go on');
    output.write(`parley: the server cannot go on: ${error.message}`);
    void leave(EXIT.failure);
  };
  const stop = async (cause: string): Promise<void> => {
    if (stoppingSince !== undefined) return;
    const since = performance.now();
    stoppingSince = since;
    log.info({ event: 'server.stopping', cause }, `the server is stopping: ${cause}`);
    setTimeout(() => {
      log.warn({ event: 'server.cut_off' }, `not everything ended within ${CUT_OFF_MS} ms: cut off`);
      void leave(EXIT.ok);
    }, CUT_OFF_MS);
    // A server that is still starting has nobody to say goodbye to.
    await server?.stop();
    const tookMs = Math.round(performance.now() - since);
    log.info({ event: 'server.stopped', tookMs }, `the server has stopped, after ${tookMs} ms`);
    await leave(EXIT.ok);
  };
  onStopSignal((signal, isAgain) => void (isAgain ? leave(EXIT.interrupted) : stop(signal)));
  onNpmGone(() => void stop('npm, which had started it, has ended'));
  process.on('uncaughtException', fail);
  // The server itself does not write to it, and what else does must not end it. The same goes for stderr; see `cli/main.ts`.
  process.stdout.on('error', () => {});
  watchOpenFiles(log);
  const started = await startServer(options, log, output);
  // While it stops, what was still starting may fail for that reason.
  if (stoppingSince !== undefined) return;
  if (started.type === 'refused') {
    output.write(`parley: ${started.text}`);
    return leave(started.exitCode);
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
