import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance } from '../../src/common/did-you-mean.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 });

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['join', 'join', 0],
    ['jion', 'join', 1],
    ['joi', 'join', 1],
    ['jjoin', 'join', 1],
    ['jain', 'join', 1],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
  ])('%j to %j is %i', (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits);
  });

  it('is symmetric, zero only for equal words, and at most the longer length', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const edits = editDistance(a, b);
        expect(editDistance(b, a)).toBe(edits);
        expect(edits === 0).toBe(a === b);
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  it('is one for one edit', () => {
    fc.assert(
      fc.property(word, fc.nat(6), (a, at) => {
        expect(editDistance(a, `${a.slice(0, at)}x${a.slice(at)}`)).toBe(1);
      }),
    );
  });
});

describe('nearest', () => {
  const commands = ['help', 'join', 'leave', 'msg', 'q'];

  it.each([
    ['jion', 'join'],
    ['hlep', 'help'],
    ['leaf', 'leave'],
    ['msgg', 'msg'],
  ])('suggests %j for %j', (typed, meant) => {
    expect(didYouMean(typed, commands)).toBe(meant);
  });

  it.each(['', 'xyzzy', 'aaaaaaaaaaaaaaaaaaaa'])('suggests nothing for %j', (typed) => {
    expect(didYouMean(typed, commands.slice(0, 4))).toBeUndefined();
  });
});
