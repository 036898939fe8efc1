import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordsOf } from '../../../src/store/search/words.ts';

const folded = (text: string): string[] => Array.from(wordsOf(text), (word) => word.folded);

describe('the words of a text', () => {
  it.each([
    ['Hello, WORLD! 42', ['hello', 'world', '42']],
    ['foo_bar foo-bar a@b.c', ['foo', 'bar', 'foo', 'bar', 'a', 'b', 'c']],
    ['Straße Café Ｃａｆé cafe\u0301', ['straße', 'cafe', 'cafe', 'cafe']],
    ['ΟΔΟΣ οδός', ['οδοσ', 'οδοσ']],
    ['Ёлка ЙОД', ['елка', 'иод']],
    ['İstanbul ﬁn ½', ['istanbul', 'fin', '12']],
    ['東京タワー 한국어', ['東', '京', 'タ', 'ワ', 'ー', '한국어']],
    ['ガ が', ['ガ', 'が']],
    ['हिन्दी', ['हिन्दी']],
    ['שָׁלוֹם', ['שלום']],
    ['… — ! 🎉 \0 \u0301', []],
  ])('are, in %j, %j', (text, words) => {
    expect(folded(text)).toEqual(words);
  });

  it('are cut to 64 characters, so that no text makes a huge word', () => {
    expect(folded(`${'x'.repeat(8_000)} ${'é'.repeat(4_000)} ${'𝒙𐐏'.repeat(40)}`)).toEqual([
      'x'.repeat(64),
      'e'.repeat(64),
      'x𐐷'.repeat(32),
    ]);
  });

  it('are at their positions, in order, with only separators between them', () => {
    const letters = fc.constantFrom('a', 'É', '東', '\u0301', ' ', '-', '𐐷', '\ud800', '½', 'ก', 'ำ', '"');
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(letters, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })) }),
        (text) => {
          let end = 0;
          for (const word of wordsOf(text)) {
            expect(word.start).toBeGreaterThanOrEqual(end);
            expect(folded(text.slice(end, word.start))).toEqual([]);
            expect(folded(text.slice(word.start, word.end))).toEqual([word.folded]);
            end = word.end;
          }
          expect(folded(text.slice(end))).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are exactly those that FTS5 indexes, for each letter, digit and mark of Unicode', () => {
    const db = new DatabaseSync(':memory:');
    db.exec(`
      CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='ascii');
      CREATE VIRTUAL TABLE terms USING fts5vocab(texts, instance);
      BEGIN;
    `);
    const insert = db.prepare('INSERT INTO texts (rowid, text) VALUES (?, ?)');
    const expected = new Map<number, string[]>();
    const seen = new Map<number, string[]>();
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (!/[\p{L}\p{N}\p{M}]/u.test(character)) continue;
      const words = folded(`a${character}b ${character}`);
      expected.set(code, words);
      seen.set(code, []);
      insert.run(code, words.join(' '));
    }
    db.exec('COMMIT');
    for (const { doc, term, offset } of db.prepare('SELECT doc, term, "offset" FROM terms').iterate()) {
      const words = seen.get(Number(doc));
      if (words !== undefined) words[Number(offset)] = String(term);
    }
    db.close();
    expect(expected.size).toBeGreaterThan(140_000);
    const wrong = [...expected].find(([code, words]) => words.join(' ') !== seen.get(code)?.join(' '));
    expect(wrong).toBeUndefined();
  });
});
