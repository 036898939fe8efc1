/**
 * Runs what is typed: each line is composed by the writer thread, then carried out through the session, and comes
 * to a result. Lines are run one after another; of a message only the sending is waited for, not the answer.
 */

import { randomBytes } from 'node:crypto';
import type { Thread } from '../../actors/kernel/thread.ts';
import { foldName } from '../../chat/names.ts';
import { timerDelay, within } from '../../common/deadline.ts';
import { password as passwordSpec } from '../../protocol/arguments.ts';
import { openInBrowser } from '../display/browser.ts';
import type { Response } from '../session/requests.ts';
import { PENDING_LIMIT, type QueuedMessage, type Unsent } from '../session/send-queue.ts';
import { type Asker, explainFailure, isAboutName } from './command-results.ts';
import { findCommand } from './commands.ts';
import { type Found, findConversation, findCurrent, findRecipient, suggest } from './conversation.ts';
import { explicitName, isExplicit, plainName } from './conversation-name.ts';
import { explain } from './help.ts';
import { recall } from './history.ts';
import { done, type Result, refused } from './result.ts';
import { type Search, search } from './search.ts';
import type { Context, Input, LocalPlan, Plan, RequestPlan } from './typed-command.ts';
import type { WriterApi } from './writer.worker.ts';

export interface DeskOptions extends Asker {
  readonly writer: Thread<WriterApi>;
  readonly displayFile: string;
  /** Lines come from a script: it waits for a connection, where a person is told that there is none. */
  readonly isScript: boolean;
  /** Asks for a password; undefined when that was called off, or the input has ended. */
  secret(question: string): Promise<string | undefined>;
  /** Tells the person, between two questions, why the answer does not do. */
  tell(text: string): void;
  /** Waits until the reader has seen the text in an event; false when it has not within the time. */
  seen(text: string, timeoutMs: number): Promise<boolean>;
  quit(): void;
}

export interface Running {
  /** Settles with the result; undefined for a line that asks for nothing. */
  readonly finished: Promise<Result | undefined>;
}

/** How long a script waits for a connection, and for a message to be acknowledged, before a line counts as refused. */
const PATIENCE_MS = 60_000;
/** How long what looks back waits for the end of a replay. In ms. */
const REPLAY_MS = 10_000;
/** Random bytes of a message's key; 16 characters. */
const KEY_BYTES = 12;
/** How often a person is asked for a password that does not do. */
export const PASSWORD_TRIES = 3;

export class Desk {
  /** The conversation that plain text goes to. */
  current: string | null = null;
  /** What `/search` alone goes on with. */
  #search: Search | undefined;
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** What the next line is read against. */
  get context(): Context {
    const current = this.current === null ? null : explicitName(this.current);
    return { current, isScript: this.#options.isScript };
  }

  /** Resolves when the next line may be run. */
  async start(input: Input): Promise<Running> {
    return this.#start(input, randomBytes(KEY_BYTES).toString('base64url'), undefined);
  }

  /** Whom a message goes to that is sent to this name. */
  findRecipient(name: string): Promise<Found> {
    return findRecipient(this.#options, name);
  }

  /** Sends a message of an earlier run, under its key. */
  resend(message: Unsent): Promise<Running> {
    return this.#start({ to: explicitName(message.to), text: message.text }, message.key, message);
  }

  async #start(input: Input, key: string, earlier: Unsent | undefined): Promise<Running> {
    const { session, writer, readerLink } = this.#options;
    if (readerLink.isFull) {
      return finished(refused('line', 'full', 'the display cannot keep up: try again in a moment'));
    }
    const requestId = session.nextRequestId();
    const outcome = await writer.call((api) => api.compose(input, this.context, requestId, key));
    if (outcome.type !== 'answered') {
      return finished(refused('line', 'failed', 'the writer thread does not answer: start the client again'));
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

  #send(message: QueuedMessage): Running {
    const { session, readerLink, isScript } = this.#options;
    const { to, text, key } = message;
    if (session.sendQueue.size >= PENDING_LIMIT) {
      const reason = `${PENDING_LIMIT} messages wait for the server already: this one was not sent`;
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
    return { finished: isScript ? withinPatience(sent) : sent };
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
        return done('to', [`what you type goes to ${found.name}`], { to: found.name });
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
        if (await this.#options.seen(text, seconds * 1_000)) return done('wait-for', []);
        return refused('wait-for', 'not_found', `nothing came that contains "${text}" within ${seconds} s`);
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
      return refused(plan.type, 'offline', 'what you missed is still coming: try again in a moment');
    }
    const conversation = plan.conversation && findConversation(this.#options, plan.conversation);
    if (plan.type === 'history' && conversation !== null) {
      const again = conversation === this.current ? '/history' : `/history ${conversation}`;
      return this.#suggest(conversation, await recall(this.#options, conversation, plan.count, again));
    }
    const query = plan.type === 'search' ? plan.query : null;
    const wanted = query === null ? this.#search : { query, conversation, before: null };
    if (wanted === undefined) {
      return refused('search', 'bad_line', 'there is nothing to go on with: type /search WORDS');
    }
    const { result, next } = await search(this.#options, wanted);
    this.#search = next;
    return this.#suggest(conversation, result);
  }

  /** Names what was probably meant, where the name is what was wrong. */
  #suggest(conversation: string | null, result: Result): Result {
    if (result.ok || conversation === null || !isAboutName(result.code)) return result;
    return { ...result, text: result.text + suggest(this.#options, conversation) };
  }

  /**
   * A person whose answer does not do is asked again, so that the next try cannot become a message. Asked for also
   * when there is no connection: lines typed ahead that are passwords must not become messages either.
   */
  async #changePassword(): Promise<Result> {
    const { session, secret, tell, isScript } = this.#options;
    let old = await secret('Present password: ');
    const next = old === undefined ? undefined : await this.#askNewPassword();
    for (let tries = 1; ; tries += 1) {
      if (old === undefined || next === undefined) {
        const why = isScript ? 'the input ended before both passwords' : 'your password stays as it was';
        return refused('password', 'bad_line', why);
      }
      if (typeof next !== 'string') return next;
      if (!(await this.#isOnline())) return offline('password');
      const response = await session.changePassword(old, next);
      if (response.type === 'ok') {
        return done('password', ['your password is changed; your other sessions have ended']);
      }
      const isWrong = response.type === 'error' && response.code === 'wrong_credentials';
      if (!isWrong || isScript || tries === PASSWORD_TRIES) return explainFailure('password', response);
      tell(response.text);
      old = await secret('Present password: ');
    }
  }

  /** Undefined if it was called off. */
  async #askNewPassword(): Promise<string | Result | undefined> {
    const { secret, tell, isScript } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const next = await secret('New password: ');
      if (next === undefined) return undefined;
      const fault = passwordSpec.is(next) ? undefined : passwordSpec.rule;
      if (fault === undefined && isScript) return next;
      const again = fault === undefined ? await secret('New password again: ') : next;
      if (fault === undefined && again === next) return next;
      if (again === undefined) return undefined;
      const text = fault ?? 'the two new passwords differ';
      if (isScript || tries === PASSWORD_TRIES) return refused('password', 'bad_password', text);
      tell(text);
    }
  }

  #isOnline(): Promise<boolean> {
    return this.#options.session.whenOnline(this.#options.isScript ? PATIENCE_MS : 0);
  }
}

function finished(result: Result | undefined): Running {
  return { finished: Promise.resolve(result) };
}

function offline(of: string): Result {
  return refused(of, 'offline', 'there is no connection right now: try again when it is back');
}

function withinPatience(sent: Promise<Result>): Promise<Result> {
  const text = `not acknowledged within ${PATIENCE_MS / 1_000} s; it may yet be sent`;
  return within(sent, PATIENCE_MS, refused('send', 'timed_out', text));
}
