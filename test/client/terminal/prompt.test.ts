import { describe, expect, it } from 'vitest';
import { formatPrompt } from '../../../src/client/terminal/prompt.ts';

describe('promptOf', () => {
  it('shows who, where to, and how the connection is', () => {
    expect(formatPrompt('alice', null, { type: 'online' }, 0)).toBe('alice> ');
    expect(formatPrompt('alice', '#tea', { type: 'online' }, 0)).toBe('alice #tea> ');
    expect(formatPrompt('alice', 'bob', { type: 'connecting' }, 0)).toBe('alice bob (connecting)> ');
  });

  it('counts the seconds to the next try, and not below none', () => {
    const waiting = { type: 'waiting', until: 5_000 } as const;
    expect(formatPrompt('alice', '#tea', waiting, 1_001)).toBe('alice #tea (offline, next try in 4 s)> ');
    expect(formatPrompt('alice', '#tea', waiting, 9_000)).toBe('alice #tea (offline, next try in 0 s)> ');
  });
});
