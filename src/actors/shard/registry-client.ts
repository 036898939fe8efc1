/**
 * A shard's client of the registry: numbers the commands of its sessions and sends them in batches. It keeps the attached
 * sessions and the unanswered commands, because a registry that restarts needs both.
 */

import type { MessagePort } from 'node:worker_threads';
import { isEntryVerb, type Request, type VerbOf } from '../../protocol/verbs.ts';
import { refusal } from '../../protocol/vocabulary.ts';
import { BatchPort, takeBatches } from '../kernel/batch.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { readToShard, writeToRegistry } from '../link/codec.ts';
import {
  type AnnouncedSession,
  type Command,
  type Delivery,
  type FromRegistry,
  type ToRegistry,
  toCommand,
} from '../link/messages.ts';
import type { Fanout } from './fanout.ts';
import type { RegistryAnswer, RegistryPort } from './ports.ts';
import type { Session } from './session.ts';

/** Unanswered commands of the whole shard. Policy: at the limit the shard stops reading its sockets, until half are answered. */
const UNANSWERED_LIMIT = 10_000;

/** A command without an answer. It is sent again if the registry restarts. */
export interface Unanswered {
  readonly command: Command;
  readonly session: Session;
  readonly requestId: number;
  /** Set for commands that the session itself waits for; other answers are forwarded to the client. */
  readonly resolve: ((answer: RegistryAnswer) => void) | undefined;
}

export class RegistryClient implements RegistryPort {
  readonly incarnation: number;
  readonly #fanout: Fanout;
  /** The sessions that the registry has attached. */
  readonly #sessions = new Set<Session>();
  readonly #unanswered = new Map<number, Unanswered>();
  /** Sessions that stopped reading because the registry was congested. */
  readonly #paused = new Set<Session>();
  /** The last committed command of each session, while a new registry sends the entries that this shard missed. */
  readonly #committed = new Map<Session, number>();
  #port: BatchPort<ToRegistry> | undefined;
  /** False until a new registry has sent the entries that this shard missed. Commands are not sent before. */
  #isCaughtUp = false;
  #nextNumber = 1;
  /** Number of entries from the current registry. */
  #handled = 0;
  /** Number of entries since the start. */
  #entries = 0;
  /** Set while the server shuts down. Called when every command is answered. */
  #whenAnswered: (() => void) | undefined;

  /** `fanout`: detached sessions are removed from it. */
  constructor(incarnation: number, fanout: Fanout) {
    this.incarnation = incarnation;
    this.#fanout = fanout;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get isCongested(): boolean {
    return this.#unanswered.size >= UNANSWERED_LIMIT || this.#whenAnswered !== undefined;
  }

  metrics(): Metrics {
    return {
      sessions: this.#sessions.size,
      unanswered: this.#unanswered.size,
      heldBack: this.#paused.size,
      commands: this.#nextNumber - 1,
      entries: this.#entries,
    };
  }

  /**
   * Connects to a registry: the first one, or one that has restarted. `cursor`: the last id that was routed to this shard; −1
   * for none. `handle` receives the items in order.
   */
  connect(port: MessagePort, cursor: number, handle: (item: FromRegistry) => void): void {
    this.#port?.close();
    const registry = new BatchPort<ToRegistry>(port, writeToRegistry);
    this.#port = registry;
    this.#isCaughtUp = false;
    this.#handled = 0;
    takeBatches(port, readToShard, (batch) => {
      if (this.#port === registry) this.#receive(batch, handle);
    });
    const sessions = [...this.#sessions].map(
      (session): AnnouncedSession => [
        session.id,
        session.account,
        session.user,
        this.#fanout.has(session.client),
      ],
    );
    registry.push(['announce', this.incarnation, cursor, sessions]);
  }

  /** Stops accepting commands. Resolves when every command is answered. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenAnswered = resolve;
      if (this.#unanswered.size === 0) resolve();
    });
  }

  addPaused(session: Session): void {
    this.#paused.add(session);
  }

  removePaused(session: Session): void {
    this.#paused.delete(session);
  }

  forward(session: Session, request: Request<VerbOf<'registry'>>): void {
    const command = toCommand(request, this.#number(), session.id);
    this.#post({ command, session, requestId: request.id, resolve: undefined });
  }

  announceAccount(session: Session, user: string): Promise<RegistryAnswer> {
    return this.#request(session, ['account', this.#number(), session.id, user]);
  }

  attach(session: Session, user: string, isGuest: boolean, lastId: number | null): Promise<RegistryAnswer> {
    return this.#request(session, ['attach', this.#number(), session.id, user, isGuest, lastId]);
  }

  goLive(session: Session, cursor: number, bytes: number): Promise<RegistryAnswer> {
    return this.#request(session, ['live', this.#number(), session.id, cursor, bytes]);
  }

  async detach(session: Session): Promise<void> {
    this.#fanout.detach(session.client);
    await this.#request(session, ['detach', this.#number(), session.id]);
    // Only now, because a registry that restarts meanwhile still has to handle what the session sent before it left.
    this.#sessions.delete(session);
  }

  /** The registry has attached the session that sent this command. Returns the session. */
  attached(number: number): Session | undefined {
    const session = this.sessionOf(number);
    if (session !== undefined) this.#sessions.add(session);
    return session;
  }

  /** The session that sent this command; undefined if the command has been answered, or belongs to another shard. */
  sessionOf(number: number): Session | undefined {
    return this.#unanswered.get(number)?.session;
  }

  /** Passes on the answer to a command. Does nothing if the command has already been answered. */
  answer(number: number, answer: RegistryAnswer, result: unknown = null): void {
    const unanswered = this.#unanswered.get(number);
    if (unanswered === undefined) return;
    this.#forget(number);
    const { session, requestId, resolve } = unanswered;
    if (resolve !== undefined) resolve(answer);
    else if (answer.type === 'refused') session.answered(refusal(requestId, answer.code));
    else session.answered(result === null ? ['ok', requestId] : ['ok', requestId, result]);
  }

  /** Must be called for every entry that arrives. Returns the command of this shard that the entry answers, if any. */
  committed({ number }: Delivery): Unanswered | undefined {
    if (number === 0) return undefined;
    const unanswered = this.#unanswered.get(number);
    if (!this.#isCaughtUp && unanswered !== undefined) this.#committed.set(unanswered.session, number);
    return unanswered;
  }

  /** Answers a `send` with its message. A join or leave is answered separately, because its answer holds more than the id. */
  stored({ command, session, requestId }: Unanswered, { kind, id, at }: Delivery): void {
    if (kind !== 'message' && kind !== 'direct') return;
    this.#forget(command[1]);
    session.stored(requestId, id, at);
  }

  /**
   * A new registry has sent the entries that this shard missed, so unanswered commands are sent again. An exception is an
   * entry command whose successor on the same session was committed: the old registry must have refused it, and
   * repeating it now would break the order.
   */
  caughtUp(): void {
    this.#isCaughtUp = true;
    for (const { command, session } of [...this.#unanswered.values()]) {
      const wasRefused = command[1] < (this.#committed.get(session) ?? 0) && isEntryVerb(command[0]);
      if (wasRefused) this.answer(command[1], { type: 'refused', code: 'unavailable' });
      else this.#port?.push(command);
    }
    this.#committed.clear();
  }

  #number(): number {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    return number;
  }

  #request(session: Session, command: Command): Promise<RegistryAnswer> {
    return new Promise((resolve) => this.#post({ command, session, requestId: 0, resolve }));
  }

  #post(unanswered: Unanswered): void {
    this.#unanswered.set(unanswered.command[1], unanswered);
    if (this.#isCaughtUp) this.#port?.push(unanswered.command);
  }

  #forget(number: number): void {
    this.#unanswered.delete(number);
    if (this.#unanswered.size === 0) this.#whenAnswered?.();
  }

  /** Reports how many entries have been handled, because the registry sends only a limited number ahead. */
  #receive(batch: readonly FromRegistry[], handle: (item: FromRegistry) => void): void {
    let entries = 0;
    for (const item of batch) {
      handle(item);
      if ('kind' in item) entries += 1;
    }
    if (entries > 0) {
      this.#handled += entries;
      this.#entries += entries;
      this.#port?.push(['handled', this.#handled]);
    }
    if (this.#paused.size === 0 || this.#unanswered.size > UNANSWERED_LIMIT / 2) return;
    for (const session of this.#paused) session.client.resumeReading();
    this.#paused.clear();
  }
}
