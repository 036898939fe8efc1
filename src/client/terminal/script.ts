/**
 * The client without a person: one command or text a line of input, each answered before the next is read, and at
 * the end of the input a clean goodbye.
 */

import { formatAddress } from '../../common/address.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import type { Client } from '../client.ts';
import { Desk } from '../commands/command-runner.ts';
import { done, refused } from '../commands/result.ts';
import type { End } from '../exit-reason.ts';
import { type Given, missingForScript } from '../options.ts';
import { retryDelay } from '../session/backoff.ts';
import { type Credentials, type Entry, isPassing } from '../session/login.ts';
import type { Session } from '../session/session.ts';
import { streamOutput } from './output.ts';
import { readLines } from './stdin-lines.ts';

/** How long the first login is tried while the server is not there, or too busy. In ms. */
const FIRST_LOGIN_MS = 5_000;
/** Characters of one line of input; the server takes fewer, and says so. */
const LINE_LIMIT = 65_536;

/** Runs to the end of the input. The caller races it against the client's ending, and stops the client. */
export async function runScript(client: Client, given: Given): Promise<End> {
  const output = streamOutput(() => client.drained());
  client.talkTo(output);
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
  const entry = await enter(session, credentials);
  if (entry.type !== 'entered') {
    client.report('login', refused('login', entry.type === 'refused' ? entry.code : 'offline', entry.text));
    const isRefused = entry.type === 'refused' && !isWorthRetrying(entry.code);
    return end(isRefused ? EXIT.refused : EXIT.unavailable, undefined);
  }
  client.report('login', done('login', [], { user: entry.user, rooms: entry.rooms }));
  return runLines(client, session, display, given.open);
}

async function runLines(client: Client, session: Session, displayFile: string, open: boolean): Promise<End> {
  const lines = readLines(process.stdin, LINE_LIMIT);
  let number = 0;
  let refusals = 0;
  let isQuitting = false;
  const next = async () => {
    number += 1;
    return (await lines.next()).value ?? undefined;
  };
  const desk = new Desk({
    session,
    readerLink: client.readerLink,
    names: client.names,
    writer: client.writer,
    displayFile,
    isScript: true,
    async secret() {
      const line = await next();
      return line?.type === 'line' ? line.text : undefined;
    },
    tell() {},
    seen: (text, timeoutMs) => client.seen(text, timeoutMs),
    quit() {
      isQuitting = true;
    },
  });
  const run = async (text: string): Promise<void> => {
    const at = number;
    const result = await (await desk.start(text)).finished;
    // What the end of the client itself broke off is not the fault of the line.
    if (result === undefined || client.ending.isReached) return;
    if (!result.ok) refusals += 1;
    client.report(text, result.ok || at === 0 ? result : { ...result, text: `line ${at}: ${result.text}` });
  };
  if (open) await run('/open');
  while (!isQuitting) {
    const line = await next();
    if (line === undefined || client.ending.isReached) break;
    if (line.type === 'line') {
      await run(line.text);
    } else {
      refusals += 1;
      client.report('', refused('line', 'bad_line', `line ${number}: more than ${LINE_LIMIT} characters`));
    }
  }
  return end(refusals === 0 ? EXIT.ok : EXIT.failure, undefined);
}

/** Tries again for a few seconds while the server is not there yet, or too busy. */
async function enter(session: Session, credentials: Credentials): Promise<Entry> {
  const deadline = performance.now() + FIRST_LOGIN_MS;
  let mayBeRegistered = false;
  for (let failures = 0; ; failures += 1) {
    let entry = await session.enter(credentials);
    if (entry.type === 'refused' && entry.code === 'name_taken' && mayBeRegistered) {
      // A try whose answer was lost may have registered the name: then the password is ours.
      const login = credentials.type === 'account' ? { ...credentials, register: false } : credentials;
      const again = await session.enter(login);
      if (again.type !== 'refused') entry = again;
    }
    const isOver = entry.type === 'entered' || (entry.type === 'refused' && !isWorthRetrying(entry.code));
    const delay = retryDelay(failures, Math.random());
    if (isOver || performance.now() + delay > deadline) return entry;
    mayBeRegistered ||= entry.type === 'unavailable';
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

/** Failed logins are counted for a minute: trying for seconds would only add to them. */
function isWorthRetrying(code: string): boolean {
  return isPassing(code) && code !== 'too_many_attempts';
}

function credentialsOf({ guest, user, password, register }: Given): Credentials | undefined {
  if (user === undefined) return undefined;
  if (guest) return { type: 'guest', user };
  return password === undefined ? undefined : { type: 'account', user, password, register };
}

function end(code: ExitCode, text: string | undefined): End {
  return { code, text };
}
