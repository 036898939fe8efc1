/**
 * Script mode: each line of input is one command or text, and is answered before the next is read. At the end of the
 * input the client logs out and exits.
 */

import { formatAddress } from '../../common/address.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import type { Client } from '../client.ts';
import { CommandRunner } from '../commands/command-runner.ts';
import { done, refused } from '../commands/result.ts';
import type { Exit } from '../exit-reason.ts';
import { missingForScript, type ParsedOptions } from '../options.ts';
import { retryDelay } from '../session/backoff.ts';
import { type Credentials, isTransient, type LoginOutcome } from '../session/login.ts';
import type { Session } from '../session/session.ts';
import { streamOutput } from './output.ts';
import { readLines } from './stdin-lines.ts';

/** How long the first login is retried while the server is unreachable or busy, in ms. */
const FIRST_LOGIN_MS = 5_000;
/** Maximum characters per line of input. The server accepts fewer, and says so. */
const LINE_LIMIT = 65_536;

/** Runs to the end of the input. The caller races it against the client's exit, and stops the client. */
export async function runScript(client: Client, given: ParsedOptions): Promise<Exit> {
  const output = streamOutput(() => client.outputDrained());
  client.setOutput(output);
  const credentials = credentialsOf(given);
  const { address, display } = given;
  if (credentials === undefined || address === undefined || display === undefined) {
    return end(EXIT.usage, missingForScript(given));
  }
  const title = `${credentials.user} on ${formatAddress(address)}`;
  const opened = await client.openDisplay(display, title, given.force);
  if (opened.type === 'refused') {
    return end(opened.code === 'unwritable' ? EXIT.failure : EXIT.refused, opened.text);
  }
  const session = client.openSession(address, () => {});
  const outcome = await logIn(session, credentials);
  if (outcome.type !== 'logged_in') {
    client.report(
      'login',
      refused('login', outcome.type === 'refused' ? outcome.code : 'offline', outcome.text),
    );
    const isRefused = outcome.type === 'refused' && !isWorthRetrying(outcome.code);
    return end(isRefused ? EXIT.refused : EXIT.unavailable, undefined);
  }
  client.report('login', done('login', [], { user: outcome.user, rooms: outcome.rooms }));
  return runLines(client, session, display, given.open);
}

async function runLines(client: Client, session: Session, displayFile: string, open: boolean): Promise<Exit> {
  const lines = readLines(process.stdin, LINE_LIMIT);
  let number = 0;
  let refusals = 0;
  let isQuitting = false;
  const next = async () => {
    number += 1;
    return (await lines.next()).value ?? undefined;
  };
  const runner = new CommandRunner({
    session,
    readerLink: client.readerLink,
    names: client.names,
    writer: client.writer,
    displayFile,
    isScript: true,
    async askPassword() {
      const line = await next();
      return line?.type === 'line' ? line.text : undefined;
    },
    print() {},
    waitFor: (text, timeoutMs) => client.waitFor(text, timeoutMs),
    quit() {
      isQuitting = true;
    },
  });
  const run = async (text: string): Promise<void> => {
    const at = number;
    const result = await (await runner.start(text)).finished;
    // A line cut off because the client is exiting has not failed.
    if (result === undefined || client.exitReason.isReached) return;
    if (!result.ok) refusals += 1;
    client.report(text, result.ok || at === 0 ? result : { ...result, text: `line ${at}: ${result.text}` });
  };
  if (open) await run('/open');
  while (!isQuitting) {
    const line = await next();
    if (line === undefined || client.exitReason.isReached) break;
    if (line.type === 'line') {
      await run(line.text);
    } else {
      refusals += 1;
      client.report('', refused('line', 'bad_line', `line ${number}: more than ${LINE_LIMIT} characters`));
    }
  }
  return end(refusals === 0 ? EXIT.ok : EXIT.failure, undefined);
}

/** Retries for a few seconds while the server is unreachable or busy. */
async function logIn(session: Session, credentials: Credentials): Promise<LoginOutcome> {
  const deadline = performance.now() + FIRST_LOGIN_MS;
  let mayBeRegistered = false;
  for (let failures = 0; ; failures += 1) {
    let outcome = await session.logIn(credentials);
    if (outcome.type === 'refused' && outcome.code === 'name_taken' && mayBeRegistered) {
      // An earlier attempt whose answer was lost may have registered the name; then the password matches.
      const login = credentials.type === 'account' ? { ...credentials, register: false } : credentials;
      const again = await session.logIn(login);
      if (again.type !== 'refused') outcome = again;
    }
    const isOver =
      outcome.type === 'logged_in' || (outcome.type === 'refused' && !isWorthRetrying(outcome.code));
    const delay = retryDelay(failures, Math.random());
    if (isOver || performance.now() + delay > deadline) return outcome;
    mayBeRegistered ||= outcome.type === 'unavailable';
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

/** Failed logins count for a minute, so retrying for seconds would only make it worse. */
function isWorthRetrying(code: string): boolean {
  return isTransient(code) && code !== 'too_many_attempts';
}

function credentialsOf({ guest, user, password, register }: ParsedOptions): Credentials | undefined {
  if (user === undefined) return undefined;
  if (guest) return { type: 'guest', user };
  return password === undefined ? undefined : { type: 'account', user, password, register };
}

function end(code: ExitCode, text: string | undefined): Exit {
  return { code, text };
}
