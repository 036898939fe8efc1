/** `parley connect`: from the command line to an exit code. */

import { endProcess } from '../actors/kernel/worker-lifetime.ts';
import { EXIT, type ExitCode } from '../common/exit.ts';
import { type Client, startClient, type Unfinished } from './client.ts';
import type { Exit } from './exit-reason.ts';
import { type ConnectOptions, missingForScript, type ParsedOptions, readOptions } from './options.ts';
import type { UnsentOutcome } from './session/carry-over.ts';
import { type InteractiveRun, startInteractive } from './terminal/interactive.ts';
import { flushOutput, writeError } from './terminal/output.ts';
import { runScript } from './terminal/script.ts';

/** How long the client may take to exit after a signal, and its threads after that. In ms. */
const INTERRUPTED_MS = 4_000;
const THREADS_MS = 900;

export type { ConnectOptions } from './options.ts';

/**
 * Runs the client until it exits. Interactive if stdin is a terminal; otherwise each line of stdin is one command.
 *
 * Exit codes: 0 the user quit, or the reader of stdout has gone; 1 a line was refused, or something failed; 2 invalid
 * command line; 69 no server at the first login; 77 the login or the display file was refused; 130 interrupted.
 */
export async function connect(options: ConnectOptions): Promise<number> {
  const isScript = !process.stdin.isTTY;
  const read = readOptions(options);
  if (read.type === 'refused') return reportError(EXIT.usage, read.text);
  const missing = isScript ? missingForScript(read.given) : undefined;
  if (missing !== undefined) return reportError(EXIT.usage, missing);
  if (read.warning !== undefined) reportError(EXIT.ok, read.warning);
  const started = await startClient(read.given.json);
  if (started.type === 'failed') return reportError(EXIT.failure, started.text);
  const { client } = started;
  const stopHandling = handleSignals(client);
  const terminal = isScript ? undefined : visitTerminal(client, read.given);
  const running = terminal === undefined ? runScript(client, read.given) : terminal.run();
  const end = await Promise.race([running, client.exitReason.reached]);
  // From here on SIGINT and SIGTERM terminate the process at once.
  stopHandling();
  terminal?.close();
  if (isScript) process.stdin.destroy();
  const unfinished = await client.stop(
    (unsent) => terminal?.finish(unsent) ?? { type: 'lost', count: unsent.length },
  );
  const code = exitCode(end, unfinished);
  await terminal?.release();
  return flushStdout(code);
}

async function flushStdout(code: ExitCode): Promise<ExitCode> {
  const fault = await flushOutput();
  if (fault === undefined) return code;
  return reportError(code === EXIT.ok ? EXIT.failure : code, `cannot write to stdout: ${fault}`);
}

function visitTerminal(client: Client, given: ParsedOptions): InteractiveRun {
  // If stdout is redirected, prompts and questions go to stderr.
  return startInteractive(
    client,
    given,
    process.stdin,
    process.stdout.isTTY ? process.stdout : process.stderr,
  );
}

function exitCode({ code, text }: Exit, { unsent, unwritten }: Unfinished): ExitCode {
  if (text !== undefined) reportError(code, text);
  const failure = code === EXIT.ok ? EXIT.failure : code;
  if (unwritten > 0) {
    const entries = unwritten === 1 ? '1 entry' : `${unwritten} entries`;
    reportError(failure, `the display is missing the last ${entries}, because its file could not be written`);
  }
  if (unsent.count > 0) reportError(code, describeUnsent(unsent));
  return unwritten > 0 || (unsent.type === 'lost' && unsent.count > 0) ? failure : code;
}

function describeUnsent(unsent: UnsentOutcome): string {
  const messages = unsent.count === 1 ? '1 message was' : `${unsent.count} messages were`;
  switch (unsent.type) {
    case 'kept':
      return `${messages} saved, to be sent at the next start`;
    case 'dropped':
      return `${messages} dropped`;
    case 'lost': {
      const why = unsent.text === undefined ? '' : `, and could not be saved: ${unsent.text}`;
      return `${messages} not acknowledged by the server${why}`;
    }
    default:
      return unsent satisfies never;
  }
}

/**
 * Exits the client in order on a signal, or when the reader of stdout has gone. Returns a function that restores the
 * default effect of signals.
 */
function handleSignals(client: Client): () => void {
  const interrupt = (): void => {
    client.exitReason.end(EXIT.interrupted);
    // Covers whatever is still stuck then: a disk that does not respond, or a reader of stdout that does not read.
    setTimeout(() => void endProcess(EXIT.interrupted, THREADS_MS), INTERRUPTED_MS).unref();
  };
  const broken = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') client.exitReason.end(EXIT.ok);
    else client.exitReason.end(EXIT.failure, `cannot write to stdout: ${error.message}`);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  // A terminal that closes sends SIGHUP more than once; the client still exits in order.
  process.on('SIGHUP', interrupt);
  process.stdout.on('error', broken);
  // A closed terminal can be neither read nor written; its signal may come later.
  process.stdin.on('error', interrupt);
  if (process.stderr.isTTY) process.stderr.on('error', interrupt);
  return () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
}

function reportError(code: ExitCode, text: string): ExitCode {
  writeError(`parley: ${text}`);
  return code;
}
