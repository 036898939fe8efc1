/**
 * Runs typed lines: the writer thread composes each line, the session carries it out, and it ends in a result. Lines
 * run one after another; for a message, the next line waits only until it is sent, not until it is answered.
 */

import { randomBytes } from 'node:crypto';
import type { Thread } from '../../actors/kernel/thread.ts';
import { foldName } from '../../chat/names.ts';
import { timerDelay, within } from '../../common/deadline.ts';
import { password as passwordSpec } from '../../protocol/arguments.ts';
import { openInBrowser } from '../display/browser.ts';
import type { Response } from '../session/requests.ts';
import { PENDING_LIMIT, type QueuedMessage, type Unsent } from '../session/send-queue.ts';
import { type CommandScope, explainFailure, isAboutName } from './command-results.ts';
import { findCommand } from './commands.ts';
import {
  type FoundConversation,
  findConversation,
  findCurrent,
  findRecipient,
  suggest,
} from './conversation.ts';
import { explicitName, isExplicit, plainName } from './conversation-name.ts';
import { explain } from './help.ts';
import { showHistory } from './history.ts';
import { done, type Result, refused } from './result.ts';
import { type Search, search } from './search.ts';
import type { Context, Input, LocalPlan, Plan, RequestPlan } from './typed-command.ts';
import type { WriterApi } from './writer.worker.ts';

export interface CommandRunnerOptions extends CommandScope {
  readonly writer: Thread<WriterApi>;
  readonly displayFile: string;
  /** Lines come from a script: it waits for a connection, whereas a person is told that there is none. */
  readonly isScript: boolean;
  /** Asks for a password; undefined if the user cancelled, or the input has ended. */
  askPassword(question: string): Promise<string | undefined>;
  /** Prints, between two questions, why an answer was rejected. */
  print(text: string): void;
  /** Waits until an event contains the text; false if none has in that time. */
  waitFor(text: string, timeoutMs: number): Promise<boolean>;
  quit(): void;
}

export interface RunningCommand {
  /** Settles with the result; undefined for a line that asks for nothing. */
  readonly finished: Promise<Result | undefined>;
}

/**
 * How long a script waits for a connection, and for the acknowledgement of a message, before the line counts as
 * refused.
 */
const SCRIPT_TIMEOUT_MS = 60_000;
/** How long `/history` and `/search` wait for the end of a replay, in ms. */
const REPLAY_MS = 10_000;
/** Random bytes in a message key; they make 16 characters. */
const KEY_BYTES = 12;
/** How often a person may retry a rejected password. */
export const PASSWORD_ATTEMPTS = 3;

export class CommandRunner {
  /** The conversation that plain text is sent to. */
  current: string | null = null;
  /** The search that `/search` without arguments continues. */
  #search: Search | undefined;
  readonly #options: CommandRunnerOptions;

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
  }

  /** What the meaning of the next line depends on. */
  get context(): Context {
    const current = this.current === null ? null : explicitName(this.current);
    return { current, isScript: this.#options.isScript };
  }

  /** Resolves when the next line may run. */
  async start(input: Input): Promise<RunningCommand> {
    return this.#start(input, randomBytes(KEY_BYTES).toString('base64url'), undefined);
  }

  /** The recipient of a message sent to this name. */
  findRecipient(name: string): Promise<FoundConversation> {
    return findRecipient(this.#options, name);
  }

  /** Sends a message of an earlier run, under its original key. */
  resend(message: Unsent): Promise<RunningCommand> {
    return this.#start({ to: explicitName(message.to), text: message.text }, message.key, message);
  }

  async #start(input: Input, key: string, earlier: Unsent | undefined): Promise<RunningCommand> {
    const { session, writer, readerLink } = this.#options;
    if (readerLink.isFull) {
      return finished(refused('line', 'full', 'the display cannot keep up; try again in a moment'));
    }
    const requestId = session.nextRequestId();
    const outcome = await writer.call((api) => api.compose(input, this.context, requestId, key));
    if (outcome.type !== 'answered') {
      return finished(refused('line', 'failed', 'the writer thread does not answer; start the client again'));
    }
    const composed = outcome.value;
    switch (composed.type) {
      case 'nothing':
        return finished(undefined);
      case 'refused':
        return finished(refused(composed.of, 'bad_line', composed.text));
      case 'local':
        return finished(await this.#runLocally(composed.plan));
      case 'request':
        if (composed.plan.type === 'send') {
          const { to, text } = composed.plan;
          if (!isExplicit(to)) {
            const found = await findRecipient(this.#options, to);
            if (found.type === 'refused') return finished(refused('send', found.code, found.text));
            if (found.name !== to) return this.#start({ to: explicitName(found.name), text }, key, earlier);
          }
          const { at, wasSent } = earlier ?? { at: Date.now(), wasSent: false };
          return this.#send({ requestId, key, to: plainName(to), text, at, wasSent, frame: composed.frame });
        }
        return finished(await this.#request(composed.plan, requestId, composed.frame));
      default:
        return composed satisfies never;
    }
  }

  #send(message: QueuedMessage): RunningCommand {
    const { session, readerLink, isScript } = this.#options;
    const { to, text, key } = message;
    if (session.sendQueue.size >= PENDING_LIMIT) {
      const reason = `${PENDING_LIMIT} messages are already waiting for the server, so this one was not sent`;
      return finished(refused('send', 'full', reason));
    }
    const from = session.user;
    readerLink.expect(message.requestId, { type: 'send', key, to });
    readerLink.show({ type: 'message', id: null, at: message.at, from, to, text, own: true, tag: key });
    const sent = session.sendQueue.send(message).then((outcome): Result => {
      if (outcome.type === 'stored') {
        const { id, at } = outcome;
        return done('send', [], { id, at, to, text });
      }
      const isUnsure = outcome.code === 'lost';
      readerLink.show({ type: 'failed', tag: key, text: outcome.text, isUnsure });
      const meant = isAboutName(outcome.code) ? suggest(this.#options, to) : '';
      return refused('send', outcome.code, `not sent to ${to}: ${outcome.text}${meant}`);
    });
    return { finished: isScript ? withScriptTimeout(sent) : sent };
  }

  async #request(plan: RequestPlan, requestId: number, frame: Uint8Array): Promise<Result> {
    const { session, readerLink } = this.#options;
    if (!(await this.#isOnline())) return offline(plan.command);
    const { verb } = plan;
    const [name] = plan.values;
    const isMembership = (verb === 'join' || verb === 'leave') && typeof name === 'string';
    if (isMembership) readerLink.expect(requestId, { type: verb, room: name, user: session.user });
    const result = await this.#conclude(plan, await session.sendFrame(requestId, frame));
    if (!result.ok || !isMembership) return result;
    if (verb === 'join') this.current = session.room(name) ?? name;
    else if (foldName(name) === foldName(this.current ?? '')) this.current = null;
    return result;
  }

  async #conclude({ command, values }: RequestPlan, response: Response): Promise<Result> {
    const row = findCommand(command);
    if (response.type === 'ok') {
      if (row?.conclude === undefined) throw new Error(`/${command} makes no requests`);
      return row.conclude(this.#options, values, response.result);
    }
    const [name] = values;
    const failure = explainFailure(command, response);
    if (typeof name !== 'string') return failure;
    return this.#suggest(row?.parameters[0]?.completes === 'people' ? explicitName(name) : name, failure);
  }

  async #runLocally(plan: LocalPlan): Promise<Result> {
    const { displayFile, isScript } = this.#options;
    switch (plan.type) {
      case 'to': {
        const found = await findCurrent(this.#options, plan.conversation);
        if (found.type === 'refused') return refused('to', found.code, found.text);
        this.current = found.name;
        return done('to', [`plain text now goes to ${found.name}`], { to: found.name });
      }
      case 'help': {
        const help = explain(plan.topic, isScript);
        return help.type === 'help' ? done('help', help.lines) : refused('help', 'bad_line', help.text);
      }
      case 'history':
      case 'search':
        return this.#lookBack(plan);
      case 'password':
        return this.#changePassword();
      case 'open': {
        const failure = await openInBrowser(displayFile);
        return failure === undefined ? done('open', []) : refused('open', 'failed', failure);
      }
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, timerDelay(plan.seconds * 1_000)).unref());
        return done('wait', []);
      case 'wait-for': {
        const { text, seconds } = plan;
        if (await this.#options.waitFor(text, seconds * 1_000)) return done('wait-for', []);
        return refused(
          'wait-for',
          'not_found',
          `nothing that contains "${text}" arrived within ${seconds} s`,
        );
      }
      case 'quit':
        this.#options.quit();
        return done('quit', []);
      default:
        return plan satisfies never;
    }
  }

  async #lookBack(plan: Extract<Plan, { type: 'history' | 'search' }>): Promise<Result> {
    const { session } = this.#options;
    if (!(await this.#isOnline())) return offline(plan.type);
    if (!(await session.whenLive(REPLAY_MS))) {
      return refused(plan.type, 'offline', 'missed messages are still arriving; try again in a moment');
    }
    const conversation = plan.conversation && findConversation(this.#options, plan.conversation);
    if (plan.type === 'history' && conversation !== null) {
      const again = conversation === this.current ? '/history' : `/history ${conversation}`;
      return this.#suggest(conversation, await showHistory(this.#options, conversation, plan.count, again));
    }
    const query = plan.type === 'search' ? plan.query : null;
    const wanted = query === null ? this.#search : { query, conversation, before: null };
    if (wanted === undefined) {
      return refused('search', 'bad_line', 'there is no search to continue; type /search WORDS');
    }
    const { result, next } = await search(this.#options, wanted);
    this.#search = next;
    return this.#suggest(conversation, result);
  }

  /** Suggests what was probably meant, if the name was the problem. */
  #suggest(conversation: string | null, result: Result): Result {
    if (result.ok || conversation === null || !isAboutName(result.code)) return result;
    return { ...result, text: result.text + suggest(this.#options, conversation) };
  }

  /**
   * Repeats the question after a rejected answer, so that the next attempt cannot become a message. Asks even without a
   * connection, because passwords typed ahead must not become messages either.
   */
  async #changePassword(): Promise<Result> {
    const { session, askPassword, print, isScript } = this.#options;
    let old = await askPassword('Current password: ');
    const next = old === undefined ? undefined : await this.#askNewPassword();
    for (let tries = 1; ; tries += 1) {
      if (old === undefined || next === undefined) {
        const why = isScript
          ? 'the input ended before both passwords were given'
          : 'your password was not changed';
        return refused('password', 'bad_line', why);
      }
      if (typeof next !== 'string') return next;
      if (!(await this.#isOnline())) return offline('password');
      const response = await session.changePassword(old, next);
      if (response.type === 'ok') {
        return done('password', ['your password was changed, and your other sessions were ended']);
      }
      const isWrong = response.type === 'error' && response.code === 'wrong_credentials';
      if (!isWrong || isScript || tries === PASSWORD_ATTEMPTS) return explainFailure('password', response);
      print(response.text);
      old = await askPassword('Current password: ');
    }
  }

  /** Undefined if the user cancelled. */
  async #askNewPassword(): Promise<string | Result | undefined> {
    const { askPassword, print, isScript } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const next = await askPassword('New password: ');
      if (next === undefined) return undefined;
      const fault = passwordSpec.is(next) ? undefined : passwordSpec.rule;
      if (fault === undefined && isScript) return next;
      const again = fault === undefined ? await askPassword('New password again: ') : next;
      if (fault === undefined && again === next) return next;
      if (again === undefined) return undefined;
      const text = fault ?? 'the two new passwords differ';
      if (isScript || tries === PASSWORD_ATTEMPTS) return refused('password', 'bad_password', text);
      print(text);
    }
  }

  #isOnline(): Promise<boolean> {
    return this.#options.session.whenOnline(this.#options.isScript ? SCRIPT_TIMEOUT_MS : 0);
  }
}

function finished(result: Result | undefined): RunningCommand {
  return { finished: Promise.resolve(result) };
}

function offline(of: string): Result {
  return refused(of, 'offline', 'there is no connection to the server; try again when it is back');
}

function withScriptTimeout(sent: Promise<Result>): Promise<Result> {
  const text = `not acknowledged within ${SCRIPT_TIMEOUT_MS / 1_000} s; it may still be sent`;
  return within(sent, SCRIPT_TIMEOUT_MS, refused('send', 'timed_out', text));
}
