// Placeholder until the token store lands: overwrite this file.
import { randomBytes } from 'node:crypto';

export interface Tokens {
  issue(user: string, passwordHash: string, now: number): string | undefined;
  check(user: string, token: string, passwordHash: string, now: number): 'ok' | 'bad_token';
  end(token: string): 'ended' | 'storage_failed';
  endAll(user: string): void;
  sweep(now: number): void;
  close(): void;
}
export function openTokens(_path: string, _options: { warn: (text: string) => void }): Tokens {
  const all = new Map<string, string>();
  return {
    issue(user, hash) {
      const token = randomBytes(32).toString('base64url');
      all.set(token, `${user.toLowerCase()} ${hash}`);
      return token;
    },
    check: (user, token, hash) => (all.get(token) === `${user.toLowerCase()} ${hash}` ? 'ok' : 'bad_token'),
    end(token) {
      all.delete(token);
      return 'ended';
    },
    endAll() {},
    sweep() {},
    close() {},
  };
}
