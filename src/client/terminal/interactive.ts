/** The client of a person at a terminal: questions first, then a prompt. */

import type { ReadStream, WriteStream } from 'node:tty';
import { type Address, formatAddress } from '../../common/address.ts';
import { EXIT } from '../../common/exit.ts';
import { printable } from '../../common/printable.ts';
import type { Client } from '../client.ts';
import { Desk, PASSWORD_TRIES, type Running } from '../commands/command-runner.ts';
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
import { promptOf } from './prompt.ts';
import {
  askAddress,
  askAgain,
  askCredentials,
  askDisplay,
  type Known,
  type Person,
} from './startup-questions.ts';
import { Terminal } from './terminal.ts';

/** How often the seconds in the prompt are looked at. In ms. */
const TICK_MS = 250;
const NOTHING_KNOWN: Known = { user: undefined, password: undefined, register: false, guest: false };

/** One person's terminal. */
export interface Visit {
  /** Runs until the person quits. Never resolves if something else ends the client. */
  run(): Promise<Exit>;
  /** Takes the prompt away; call it before anything else is printed. */
  close(): void;
  /** What becomes of messages that the server has not stored. Call when nothing more is sent. */
  finish(unsent: readonly Unsent[]): UnsentOutcome;
  /** Gives the terminal back, when nothing more is typed into it. */
  release(): Promise<void>;
}

export function visit(client: Client, given: ParsedOptions, input: ReadStream, output: WriteStream): Visit {
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
  const person = personAt(terminal, client);
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

function personAt(terminal: Terminal, client: Client): Person {
  return {
    async ask(question, isHidden = false) {
      const typed = await terminal.ask(question, { isHidden });
      if (typed.type === 'line') return typed.text;
      client.exitReason.end(EXIT.ok);
      return new Promise(() => {});
    },
    async consult(question, isHidden = false) {
      const typed = await terminal.ask(question, { isHidden, canCancel: true });
      return typed.type === 'line' ? typed.text : undefined;
    },
    tell: (text) => terminal.print([printable(text)]),
  };
}

async function run(
  client: Client,
  given: ParsedOptions,
  terminal: Terminal,
  person: Person,
  carry: (session: Session) => CarryOver,
): Promise<Exit> {
  const address = await findServer(given, person);
  if (typeof address === 'string') return { code: EXIT.unavailable, text: address };
  const checked = await chooseDisplay(client, given.display, given.force, person);
  let desk: Desk | undefined;
  const draw = (): void => {
    if (session.user === '' || session.state.type === 'over') return;
    const now = performance.now();
    terminal.setPrompt(promptOf(session.user, desk?.current ?? null, session.state, now));
  };
  const session = client.openSession(address, draw);
  const carryOver = carry(session);
  const outcome = await enter(session, given, person, carryOver);
  if (outcome.type !== 'logged_in') return { code: EXIT.unavailable, text: outcome.text };
  const title = `${outcome.user} on ${formatAddress(address)}`;
  const display = await openDisplay(client, checked, title, given.force, person);
  client.report(
    'login',
    done('login', welcome(session, display, outcome.rooms), { user: outcome.user, rooms: outcome.rooms }),
  );
  for (const room of outcome.rooms) client.names.rooms.add(room);
  let isQuitting = false;
  desk = new Desk({
    session,
    readerLink: client.readerLink,
    names: client.names,
    writer: client.writer,
    displayFile: display,
    isScript: false,
    secret: (question) => person.consult(question, true),
    tell: person.tell,
    seen: () => Promise.resolve(false),
    quit() {
      isQuitting = true;
    },
  });
  const ticking = setInterval(draw, TICK_MS).unref();
  const follow = (line: string, running: Running): void => {
    draw();
    void running.finished.then((result) => result && client.report(line, result));
  };
  for (const message of await carryOver.begin()) follow('', await desk.resend(message));
  if (given.open) follow('/open', await desk.start('/open'));
  for (;;) {
    const typed = await terminal.read();
    if (typed.type === 'line') follow(typed.text, await desk.start(typed.text));
    else if (typed.type === 'paste') {
      const message = await confirmPaste(desk, person, typed);
      if (message !== undefined) {
        terminal.clearLine();
        follow('', await desk.start(message));
      }
    }
    if (typed.type !== 'end' && !isQuitting) continue;
    if (terminal.hasEnded || (await carryOver.confirmQuit())) break;
    isQuitting = false;
  }
  clearInterval(ticking);
  return { code: EXIT.ok, text: undefined };
}

/** The address, once a server answers there; or why the one that was given does not do. */
async function findServer(given: ParsedOptions, person: Person): Promise<Address | string> {
  if (given.address !== undefined) return (await probeServer(given.address)) ?? given.address;
  for (;;) {
    const address = await askAddress(person);
    const fault = await probeServer(address);
    if (fault === undefined) return address;
    person.tell(fault);
  }
}

/** A file that can be the display. Nothing is replaced before the person is in. */
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
    person.tell(refused.text);
  }
}

/** Returns the file that is open: another one if something has come in between. */
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
    person.tell(opened.text);
  }
}

/**
 * Asks who it is until the server lets them in; gives up when the server is not there. After a refusal it asks for the
 * password again, hidden, because that is what one types next.
 */
async function enter(
  session: Session,
  given: ParsedOptions,
  person: Person,
  carryOver: CarryOver,
): Promise<LoginOutcome> {
  for (let known: Known = given; ; known = { ...NOTHING_KNOWN, guest: given.guest }) {
    let credentials: Credentials | undefined = await askCredentials(person, known);
    for (let tries = 1; credentials !== undefined; tries += 1) {
      carryOver.prepare(credentials);
      const outcome = await session.logIn(credentials);
      if (outcome.type !== 'refused') return outcome;
      person.tell(outcome.text);
      const isRetried =
        tries < PASSWORD_TRIES && (isTransient(outcome.code) || outcome.code === 'wrong_credentials');
      credentials = isRetried ? await askAgain(person, credentials) : undefined;
    }
  }
}

function welcome(session: Session, display: string, rooms: readonly string[]): string[] {
  return [
    `Connected to ${formatAddress(session.address)} as ${session.user}.`,
    `What is said appears in ${display}: open it in a browser, or type /open.`,
    rooms.length === 0
      ? 'You are in no room yet: /join ROOM.'
      : `You are in ${rooms.join(', ')}: /to ROOM to talk there.`,
    '/help lists the commands.',
  ];
}

/** Lines of `--json` go to stdout as they are, unless that is the terminal: there they go above the prompt. */
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
