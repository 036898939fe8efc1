/** `parley connect`: from the command line to an exit code. */

import { endProcess } from '../actors/kernel/worker-lifetime.ts';
import { EXIT, type ExitCode } from '../common/exit.ts';
import { type Client, startClient, type Unfinished } from './client.ts';
import type { End } from './exit-reason.ts';
import { type ConnectOptions, type Given, missingForScript, readOptions } from './options.ts';
import type { Fate } from './session/carry-over.ts';
import { type Visit, visit } from './terminal/interactive.ts';
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
  if (read.type === 'refused') return complain(EXIT.usage, read.text);
  const missing = isScript ? missingForScript(read.given) : undefined;
  if (missing !== undefined) return complain(EXIT.usage, missing);
  if (read.warning !== undefined) complain(EXIT.ok, read.warning);
  const started = await startClient(read.given.json);
  if (started.type === 'failed') return complain(EXIT.failure, started.text);
  const { client } = started;
  const unwatch = watchProcess(client);
  const place = isScript ? undefined : visitTerminal(client, read.given);
  const running = place === undefined ? runScript(client, read.given) : place.run();
  const end = await Promise.race([running, client.ending.reached]);
  // From here on SIGINT and SIGTERM terminate the process at once.
  unwatch();
  place?.close();
  if (isScript) process.stdin.destroy();
  const unfinished = await client.stop(
    (unsent) => place?.conclude(unsent) ?? { type: 'lost', count: unsent.length },
  );
  const code = conclude(end, unfinished);
  await place?.release();
  return lastWords(code);
}

async function lastWords(code: ExitCode): Promise<ExitCode> {
  const fault = await flushOutput();
  if (fault === undefined) return code;
  return complain(code === EXIT.ok ? EXIT.failure : code, `cannot write to stdout: ${fault}`);
}

function visitTerminal(client: Client, given: Given): Visit {
  // If stdout is redirected, prompts and questions go to stderr.
  return visit(client, given, process.stdin, process.stdout.isTTY ? process.stdout : process.stderr);
}

function conclude({ code, text }: End, { fate, unwritten }: Unfinished): ExitCode {
  if (text !== undefined) complain(code, text);
  const failure = code === EXIT.ok ? EXIT.failure : code;
  if (unwritten > 0) {
    const entries = unwritten === 1 ? '1 entry' : `${unwritten} entries`;
    complain(failure, `the display is missing the last ${entries}, because its file could not be written`);
  }
  if (fate.count > 0) complain(code, describe(fate));
  return unwritten > 0 || (fate.type === 'lost' && fate.count > 0) ? failure : code;
}

function describe(fate: Fate): string {
  const messages = fate.count === 1 ? '1 message was' : `${fate.count} messages were`;
  switch (fate.type) {
    case 'kept':
      return `${messages} saved, to be sent at the next start`;
    case 'dropped':
      return `${messages} dropped`;
    case 'lost': {
      const why = fate.text === undefined ? '' : `, and could not be saved: ${fate.text}`;
      return `${messages} not acknowledged by the server${why}`;
    }
    default:
      return fate satisfies never;
  }
}

/**
 * Exits the client in order on a signal, or when the reader of stdout has gone. Returns a function that restores the
 * default effect of signals.
 */
function watchProcess(client: Client): () => void {
  const interrupt = (): void => {
    client.ending.end(EXIT.interrupted);
    // Covers whatever is still stuck then: a disk that does not respond, or a reader of stdout that does not read.
    setTimeout(() => void endProcess(EXIT.interrupted, THREADS_MS), INTERRUPTED_MS).unref();
  };
  const broken = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') client.ending.end(EXIT.ok);
    else client.ending.end(EXIT.failure, `cannot write to stdout: ${error.message}`);
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

function complain(code: ExitCode, text: string): ExitCode {
  writeError(`parley: ${text}`);
  return code;
}
