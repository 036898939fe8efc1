/** The interactive client: start-up questions first, then a prompt. */

import type { ReadStream, WriteStream } from 'node:tty';
import { type Address, formatAddress } from '../../common/address.ts';
import { EXIT } from '../../common/exit.ts';
import { printable } from '../../common/printable.ts';
import type { Client } from '../client.ts';
import { CommandRunner, PASSWORD_ATTEMPTS, type RunningCommand } from '../commands/command-runner.ts';
import { complete } from '../commands/completion.ts';
import { isSecretLine } from '../commands/line.ts';
import { done } from '../commands/result.ts';
import type { Exit } from '../exit-reason.ts';
import type { ParsedOptions } from '../options.ts';
import { CarryOver, type UnsentOutcome } from '../session/carry-over.ts';
import { type Credentials, isTransient, type LoginOutcome } from '../session/login.ts';
import type { Unsent } from '../session/send-queue.ts';
import { probeServer } from '../session/server-probe.ts';
import type { Session } from '../session/session.ts';
import { toJson } from './json.ts';
import { type Output, streamOutput } from './output.ts';
import { confirmPaste } from './paste-question.ts';
import { formatPrompt } from './prompt.ts';
import {
  askAddress,
  askCredentials,
  askDisplay,
  askPasswordAgain,
  type KnownAnswers,
  type Person,
} from './startup-questions.ts';
import { Terminal } from './terminal.ts';

/** How often the countdown in the prompt is updated, in ms. */
const TICK_MS = 250;
const NOTHING_KNOWN: KnownAnswers = { user: undefined, password: undefined, register: false, guest: false };

/** One interactive run at a terminal. */
export interface InteractiveRun {
  /** Runs until the user quits. Never resolves if something else ends the client. */
  run(): Promise<Exit>;
  /** Removes the prompt. Call before anything else is printed. */
  close(): void;
  /** Decides what happens to messages that the server has not stored. Call when nothing more will be sent. */
  finish(unsent: readonly Unsent[]): UnsentOutcome;
  /** Restores the terminal. Call last. */
  release(): Promise<void>;
}

export function startInteractive(
  client: Client,
  given: ParsedOptions,
  input: ReadStream,
  output: WriteStream,
): InteractiveRun {
  let carryOver: CarryOver | undefined;
  const terminal = new Terminal({
    input,
    output,
    complete: (line) => complete(line, client.names),
    isBeforeSecret: (line) => /^\/password\s*$/i.test(line),
    isPrivate: isSecretLine,
    warning: () => carryOver?.warning ?? '(Ctrl-C again quits)',
    interrupted: () => client.exitReason.end(EXIT.interrupted),
  });
  client.setOutput(terminalOutput(client, terminal, output));
  const person = promptUser(terminal, client);
  return {
    run: () =>
      run(client, given, terminal, person, (session) => {
        carryOver = new CarryOver(session, client.readerLink, person);
        return carryOver;
      }),
    close: () => terminal.close(),
    finish: (unsent) => carryOver?.finish(unsent) ?? { type: 'dropped', count: unsent.length },
    release: () => terminal.release(),
  };
}

function promptUser(terminal: Terminal, client: Client): Person {
  return {
    async ask(question, isHidden = false) {
      const typed = await terminal.ask(question, { isHidden });
      if (typed.type === 'line') return typed.text;
      client.exitReason.end(EXIT.ok);
      return new Promise(() => {});
    },
    async askOptional(question, isHidden = false) {
      const typed = await terminal.ask(question, { isHidden, canCancel: true });
      return typed.type === 'line' ? typed.text : undefined;
    },
    print: (text) => terminal.print([printable(text)]),
  };
}

async function run(
  client: Client,
  given: ParsedOptions,
  terminal: Terminal,
  person: Person,
  createCarryOver: (session: Session) => CarryOver,
): Promise<Exit> {
  const address = await findServer(given, person);
  if (typeof address === 'string') return { code: EXIT.unavailable, text: address };
  const checked = await chooseDisplay(client, given.display, given.force, person);
  let runner: CommandRunner | undefined;
  const draw = (): void => {
    if (session.user === '' || session.state.type === 'over') return;
    const now = performance.now();
    terminal.setPrompt(formatPrompt(session.user, runner?.current ?? null, session.state, now));
  };
  const session = client.openSession(address, draw);
  const carryOver = createCarryOver(session);
  const outcome = await logIn(session, given, person, carryOver);
  if (outcome.type !== 'logged_in') return { code: EXIT.unavailable, text: outcome.text };
  const title = `${outcome.user} on ${formatAddress(address)}`;
  const display = await openDisplay(client, checked, title, given.force, person);
  client.report(
    'login',
    done('login', welcome(session, display, outcome.rooms), { user: outcome.user, rooms: outcome.rooms }),
  );
  for (const room of outcome.rooms) client.names.rooms.add(room);
  let isQuitting = false;
  runner = new CommandRunner({
    session,
    readerLink: client.readerLink,
    names: client.names,
    writer: client.writer,
    displayFile: display,
    isScript: false,
    askPassword: (question) => person.askOptional(question, true),
    print: person.print,
    waitFor: () => Promise.resolve(false),
    quit() {
      isQuitting = true;
    },
  });
  const ticking = setInterval(draw, TICK_MS).unref();
  const reportWhenDone = (line: string, running: RunningCommand): void => {
    draw();
    void running.finished.then((result) => result && client.report(line, result));
  };
  for (const message of await carryOver.begin()) reportWhenDone('', await runner.resend(message));
  if (given.open) reportWhenDone('/open', await runner.start('/open'));
  for (;;) {
    const typed = await terminal.read();
    if (typed.type === 'line') reportWhenDone(typed.text, await runner.start(typed.text));
    else if (typed.type === 'paste') {
      const message = await confirmPaste(runner, person, typed);
      if (message !== undefined) {
        terminal.clearLine();
        reportWhenDone('', await runner.start(message));
      }
    }
    if (typed.type !== 'end' && !isQuitting) continue;
    if (terminal.hasEnded || (await carryOver.confirmQuit())) break;
    isQuitting = false;
  }
  clearInterval(ticking);
  return { code: EXIT.ok, text: undefined };
}

/** The address, once a server has answered there; or the problem, if the given address does not work. */
async function findServer(given: ParsedOptions, person: Person): Promise<Address | string> {
  if (given.address !== undefined) return (await probeServer(given.address)) ?? given.address;
  for (;;) {
    const address = await askAddress(person);
    const fault = await probeServer(address);
    if (fault === undefined) return address;
    person.print(fault);
  }
}

/** A file that can become the display. Nothing is overwritten before the login. */
async function chooseDisplay(
  client: Client,
  given: string | undefined,
  force: boolean,
  person: Person,
): Promise<string> {
  for (let file = given; ; file = undefined) {
    file ??= await askDisplay(person);
    const refused = await client.checkDisplay(file, force);
    if (refused === undefined) return file;
    person.print(refused.text);
  }
}

/** Returns the file that was opened, which is a different one if the checked file has become unusable. */
async function openDisplay(
  client: Client,
  checked: string,
  title: string,
  force: boolean,
  person: Person,
): Promise<string> {
  for (let file = checked; ; file = await chooseDisplay(client, undefined, force, person)) {
    const opened = await client.openDisplay(file, title, force);
    if (opened.type === 'open') return file;
    person.print(opened.text);
  }
}

/**
 * Asks for credentials until the server accepts them; gives up if the server is unreachable. After a refusal it asks
 * for the password again with a hidden prompt, because a password is what users type next.
 */
async function logIn(
  session: Session,
  given: ParsedOptions,
  person: Person,
  carryOver: CarryOver,
): Promise<LoginOutcome> {
  for (let known: KnownAnswers = given; ; known = { ...NOTHING_KNOWN, guest: given.guest }) {
    let credentials: Credentials | undefined = await askCredentials(person, known);
    for (let attempts = 1; credentials !== undefined; attempts += 1) {
      carryOver.prepare(credentials);
      const outcome = await session.logIn(credentials);
      if (outcome.type !== 'refused') return outcome;
      person.print(outcome.text);
      const isRetried =
        attempts < PASSWORD_ATTEMPTS && (isTransient(outcome.code) || outcome.code === 'wrong_credentials');
      credentials = isRetried ? await askPasswordAgain(person, credentials) : undefined;
    }
  }
}

function welcome(session: Session, display: string, rooms: readonly string[]): string[] {
  return [
    `Connected to ${formatAddress(session.address)} as ${session.user}.`,
    `Messages appear in ${display}. Open it in a browser, or type /open.`,
    rooms.length === 0
      ? 'You are not in any room yet. Type /join ROOM to enter one.'
      : `You are in ${rooms.join(', ')}. Type /to ROOM to talk there.`,
    '/help lists the commands.',
  ];
}

/** `--json` lines go to stdout unchanged, unless stdout is the terminal; then they are printed above the prompt. */
function terminalOutput(client: Client, terminal: Terminal, output: WriteStream): Output {
  const streams = streamOutput(() => client.outputDrained());
  return {
    answer: (lines) => terminal.print(lines.map(printable)),
    error: (text) => terminal.print([printable(text)]),
    json(line) {
      if (output !== process.stdout) return streams.json(line);
      terminal.print([toJson(line)]);
      return true;
    },
  };
}
