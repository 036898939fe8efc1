/** A script of the token store: issued tokens work, ended tokens do not. */

import { join } from 'node:path';
import {
  openTokens,
  TOKEN_LIFETIME_MS,
  TOKENS_PER_ACCOUNT,
  type Tokens,
} from '../../../src/store/tokens/tokens.ts';
import type { FaultPlay, PlayOptions } from './fault-play.ts';

const RECORD = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA';
const NOW = Date.parse('2026-11-22T06:15:38Z');

/** `good` and `ended` are certain. `doubtful`: ended, but that could not be stored. */
type Fate = 'good' | 'ended' | 'doubtful';

interface Given {
  readonly user: string;
  readonly token: string;
  fate: Fate;
  /** The store that was asked to end it, which must refuse it as long as it is open. */
  endedBy: Tokens | undefined;
}

export class TokensFaultPlay implements FaultPlay {
  readonly #options: PlayOptions;
  readonly #given: Given[];
  /** Whether the disk may be failing. */
  #isTroubled = true;
  #tokens: Tokens | undefined;
  acknowledged = 0;

  constructor(options: PlayOptions, given: Given[] = []) {
    this.#options = options;
    this.#given = given;
  }

  get data(): string {
    return this.#options.data;
  }

  readonly steps: ReadonlyArray<() => unknown> = [
    () => this.#issue('ann', 2),
    () => this.#issue('ben', 1),
    () => this.#look(),
    () => this.#end(0),
    () => this.#issue('cat', 5),
    () => this.#end(1),
    () => this.#look(),
    () => this.close(),
    () => this.#look(),
    () => this.#issue('dan', 3),
    () => this.#end(3),
    () => this.#end(4),
    () => this.#store().sweep(NOW),
    () => this.#issue('ann', 1),
  ];

  settle(): void {
    this.#isTroubled = false;
    this.#store().sweep(NOW);
    const before = this.#given.length;
    this.#issue('eva', 1);
    if (this.#given.length === before) this.#report('no recovery', 'no token is given out');
    this.#look();
    this.#end(this.#given.length - 1);
    if (this.#given.at(-1)?.fate !== 'ended') this.#report('no recovery', 'a token cannot be ended');
  }

  check(): void {
    this.#look();
    this.close();
    this.#look();
    this.close();
  }

  checkLeft(left: string, when: string): void {
    const tokens = openTokens(join(left, 'tokens.db'), options);
    for (const given of this.#given) this.#compare(tokens, given, when);
    tokens.close();
  }

  close(): void {
    this.#tokens?.close();
    this.#tokens = undefined;
  }

  next(data: string): TokensFaultPlay {
    return new TokensFaultPlay({ ...this.#options, data }, this.#given);
  }

  #store(): Tokens {
    this.#tokens ??= openTokens(join(this.data, 'tokens.db'), options);
    return this.#tokens;
  }

  #issue(user: string, count: number): void {
    for (let i = 0; i < count; i += 1) {
      const token = this.#store().issue(user, RECORD, NOW);
      if (token === undefined) continue;
      this.acknowledged += 1;
      this.#given.push({ user, token, fate: 'good', endedBy: undefined });
    }
  }

  #end(index: number): void {
    const given = this.#given[index];
    if (given === undefined) return;
    given.endedBy = this.#store();
    given.fate = this.#store().revoke(given.token) === 'ok' ? 'ended' : 'doubtful';
    if (given.fate === 'ended') this.acknowledged += 1;
  }

  #look(): void {
    for (const given of this.#given) this.#compare(this.#store(), given, 'while it is open');
  }

  #compare(tokens: Tokens, { user, token, fate, endedBy }: Given, when: string): void {
    const check = tokens.check(user, token, RECORD, NOW);
    if (check === 'unavailable') {
      if (!this.#isTroubled) this.#report('not read', `${when}: a token of ${user}`);
    } else if (fate === 'good' && check !== 'ok') {
      this.#report('lost', `${when}: a token of ${user} is ${check}`);
    } else if ((fate === 'ended' || endedBy === tokens) && check === 'ok') {
      this.#report('stored though refused', `${when}: a token of ${user} lets in after its end`);
    }
  }

  #report(kind: string, detail: string): void {
    this.#options.findings.report(kind, `tokens, ${detail}`);
  }
}

const options = { lifetimeMs: TOKEN_LIFETIME_MS, perAccount: TOKENS_PER_ACCOUNT, warn: () => {} };
