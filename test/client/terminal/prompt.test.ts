import { describe, expect, it } from 'vitest';
import { formatPrompt } from '../../../src/client/terminal/prompt.ts';

describe('formatPrompt', () => {
  it('shows the user, the conversation and the connection status', () => {
    expect(formatPrompt('alice', null, { type: 'online' }, 0)).toBe('alice> ');
    expect(formatPrompt('alice', '#tea', { type: 'online' }, 0)).toBe('alice #tea> ');
    expect(formatPrompt('alice', 'bob', { type: 'connecting' }, 0)).toBe('alice bob (connecting)> ');
  });

  it('counts down the seconds to the next attempt, and not below zero', () => {
    const waiting = { type: 'waiting', until: 5_000 } as const;
    expect(formatPrompt('alice', '#tea', waiting, 1_001)).toBe('alice #tea (offline, next try in 4 s)> ');
    expect(formatPrompt('alice', '#tea', waiting, 9_000)).toBe('alice #tea (offline, next try in 0 s)> ');
  });
});
