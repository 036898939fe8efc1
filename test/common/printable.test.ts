import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventLine, toJson } from '../../src/client/terminal/json.ts';
import { printable, shorten } from '../../src/common/printable.ts';

/** What a terminal interprets: C0, DEL and C1 controls; and characters that change the text direction. */
const OBEYED = /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u;
const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u001b', '\u009b', '\r', '\n', '\u0007', '\u202e', '\u2066', '\u007f', 'a', 'é', '💥'),
  ),
});

describe('printable', () => {
  it('leaves nothing that a terminal interprets', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(printable(text)).not.toMatch(OBEYED);
      }),
    );
    expect(printable('\u001b]0;title\u0007red\u001b[31m')).toBe(']0;titlered[31m');
  });

  it('keeps ordinary text, and joins several lines into one', () => {
    expect(printable('שלום é 💥')).toBe('שלום é 💥');
    expect(printable('a\nb\tc')).toBe('a b c');
  });
});

describe('shorten', () => {
  it('cuts between characters', () => {
    expect(shorten('💥💥💥', 3)).toBe('💥💥💥');
    expect(shorten('💥💥💥💥', 3)).toBe('💥💥…');
  });
});

describe('toJson', () => {
  it('is one line of equivalent JSON, with nothing that a terminal interprets', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const line = toJson({ text });
        expect(line).not.toMatch(OBEYED);
        expect(JSON.parse(line)).toEqual({ text });
      }),
    );
  });

  it('names the fields of events', () => {
    expect(eventLine(['message', 1, 2, 'bob', '#tea', 'hi', 'key'])).toEqual({
      event: 'message',
      id: 1,
      at: 2,
      from: 'bob',
      to: '#tea',
      text: 'hi',
    });
    expect(eventLine(['left', 1, 2, '#tea', 'bob'])).toEqual({
      event: 'left',
      id: 1,
      at: 2,
      room: '#tea',
      user: 'bob',
    });
    expect(eventLine(['bye', 'shutdown', 'x', 5])).toEqual({
      event: 'bye',
      code: 'shutdown',
      text: 'x',
      retryAfterMs: 5,
    });
  });
});
