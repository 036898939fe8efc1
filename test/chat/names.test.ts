import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldName, isRoomName, isUserName, ROOM_RULE, USER_RULE } from '../../src/chat/names.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const OTHERS = '0123456789_.-';

const userName = fc
  .tuple(
    fc.constantFrom(...LETTERS),
    fc.string({ unit: fc.constantFrom(...LETTERS, ...OTHERS), maxLength: 31 }),
  )
  .map(([first, rest]) => first + rest);

const strangers: readonly (readonly [what: string, name: string])[] = [
  ['nothing', ''],
  ['a blank', ' '],
  ['a blank before', ' bob'],
  ['a trailing blank', 'bob '],
  ['a blank inside', 'bo b'],
  ['a line end', 'bob\n'],
  ['a line end and more', 'bob\nalice'],
  ['a carriage return', 'bob\r'],
  ['NUL', 'bob\0'],
  ['a digit first', '1bob'],
  ['a dot first', '.bob'],
  ['a hyphen first', '-bob'],
  ['an underscore first', '__proto__'],
  ['a slash', 'bob/alice'],
  ['a backslash', 'bob\\alice'],
  ['a colon', 'bob:alice'],
  ['markup', 'bob<b>'],
  ['a percent sign', 'bob%20'],
  ['a hash inside', 'bob#room'],
  ['an accent', 'bób'],
  ['a combining accent', 'bob\u0301'],
  ['the Kelvin sign', '\u212Aelvin'],
  ['a long s', 'bo\u017F'],
  ['a dotted capital I', 'B\u0130b'],
  ['a dotless i', 'b\u0131b'],
  ['a Cyrillic o', 'b\u043Eb'],
  ['full width', '\uFF42ob'],
  ['a zero-width space', 'bo\u200Bb'],
  ['a right-to-left override', 'bob\u202E'],
  ['a lone surrogate', 'bob\uD800'],
  ['an emoji', 'bob😀'],
];

describe('isUserName', () => {
  it('accepts only letters first, and only the alphabet after that', () => {
    for (let unit = 0; unit < 0x10000; unit += 1) {
      const character = String.fromCharCode(unit);
      if (isUserName(character) !== LETTERS.includes(character)) expect.fail(`first ${unit.toString(16)}`);
      const inside = (LETTERS + OTHERS).includes(character);
      if (isUserName(`a${character}`) !== inside) expect.fail(`last ${unit.toString(16)}`);
      if (isUserName(`a${character}b`) !== inside) expect.fail(`inside ${unit.toString(16)}`);
    }
  });

  it('accepts 1 to 32 characters', () => {
    for (let length = 0; length < 70; length += 1) {
      expect(isUserName('a'.repeat(length))).toBe(length >= 1 && length <= 32);
    }
  });

  it.each(strangers)('refuses %s', (_what, name) => {
    expect(isUserName(name)).toBe(false);
  });

  it('refuses values that are not strings, even if they convert to a valid name', () => {
    for (const name of ['bob', '#bob']) {
      for (const value of [
        undefined,
        null,
        7,
        true,
        7n,
        {},
        [name],
        Object(name),
        { toString: () => name },
      ]) {
        expect(isUserName(value)).toBe(false);
        expect(isRoomName(value)).toBe(false);
      }
    }
  });

  it('gives the same answer when asked again', () => {
    for (let i = 0; i < 3; i += 1) expect([isUserName('bob'), isRoomName('#bob')]).toEqual([true, true]);
  });
});

describe('isRoomName', () => {
  it('accepts # and the characters of a user name, at most 64 in all', () => {
    for (let length = 0; length < 70; length += 1) {
      expect(isRoomName(`#${'a'.repeat(length)}`)).toBe(length >= 1 && length <= 63);
      expect(isRoomName('a'.repeat(length))).toBe(false);
    }
    for (let unit = 0; unit < 0x10000; unit += 1) {
      const character = String.fromCharCode(unit);
      if (isRoomName(`#${character}`) !== LETTERS.includes(character))
        expect.fail(`first ${unit.toString(16)}`);
      const inside = (LETTERS + OTHERS).includes(character);
      if (isRoomName(`#a${character}`) !== inside) expect.fail(`last ${unit.toString(16)}`);
      if (isRoomName(`${character}a`) !== (character === '#')) expect.fail(`sign ${unit.toString(16)}`);
    }
  });

  it.each(strangers)('refuses # and %s', (_what, name) => {
    expect(isRoomName(`#${name}`)).toBe(false);
  });

  it.each(['##room', '# room', '#', '#room#', ' #room', '#1', '\uFF03room'])('refuses %j', (name) => {
    expect(isRoomName(name)).toBe(false);
  });

  it('never accepts a user name', () => {
    fc.assert(
      fc.property(userName, (name) => isUserName(name) && !isRoomName(name) && isRoomName(`#${name}`)),
    );
  });
});

describe('foldName', () => {
  it('is equal exactly for names that differ only in case', () => {
    const flip = (name: string): string =>
      [...name].map((c, i) => (i % 2 === 0 ? c.toUpperCase() : c.toLowerCase())).join('');
    fc.assert(
      fc.property(userName, userName, (first, second) => {
        expect(foldName(flip(first))).toBe(foldName(first));
        expect(foldName(first) === foldName(second)).toBe(first.toUpperCase() === second.toUpperCase());
      }),
    );
    for (const one of LETTERS + OTHERS) {
      for (const other of LETTERS + OTHERS) {
        const same = one.toUpperCase() === other.toUpperCase();
        expect(foldName(`a${one}`) === foldName(`a${other}`)).toBe(same);
      }
    }
  });

  it('returns a valid name that folds to itself', () => {
    fc.assert(
      fc.property(userName, (name) => {
        const folded = foldName(name);
        return isUserName(folded) && foldName(folded) === folded && foldName(`#${name}`) === `#${folded}`;
      }),
    );
  });

  it("does not depend on the system's language", () => {
    expect(foldName('TITLE.I')).toBe('title.i');
  });
});

describe('the rules for people', () => {
  it('state the limits that hold', () => {
    expect(USER_RULE).toContain('1 to 32');
    expect(ROOM_RULE).toContain('at most 64');
  });
});
