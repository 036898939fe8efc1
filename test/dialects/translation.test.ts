import { expect, it } from 'vitest';
import { Translation } from '../../src/dialects/translation.ts';
import { encodeFrame } from '../../src/protocol/codec.ts';
import type { ServerFrame } from '../../src/protocol/vocabulary.ts';

const message = (id: number, text: string): ServerFrame => ['message', id, 1, 'ann', '#tea', text];

/** A translation that is easy to read and records each call. */
function shout(): { readonly translation: Translation; readonly made: string[] } {
  const made: string[] = [];
  const translation = new Translation((frame) => {
    made.push(String(frame.at(-1)));
    return Buffer.from(`${String(frame.at(-1)).toUpperCase()}!`);
  });
  return { translation, made };
}

it('translates one frame within a buffer, and several side by side', () => {
  const { translation } = shout();
  const [one, two, three] = ['one', 'two', 'three'].map((text, id) => encodeFrame(message(id, text)));
  if (one === undefined || two === undefined || three === undefined) throw new Error('no frames');
  const batch = Buffer.concat([Buffer.alloc(4), one, two, three]);
  const end = batch.length - three.length;
  expect(translation.of(batch, 4 + one.length, end).toString()).toBe('TWO!');
  expect(translation.of(batch, 4, batch.length).toString()).toBe('ONE!TWO!THREE!');
  expect(translation.of(batch, 4, 4)).toHaveLength(0);
});

it('translates once for all recipients of a delivery, even if the author gets another frame in between', () => {
  const { translation, made } = shout();
  const batch = encodeFrame(message(1, 'to all'));
  const own = encodeFrame(['message', 1, 1, 'ann', '#tea', 'to all', 'the key']);
  for (let recipient = 0; recipient < 10; recipient += 1) {
    expect(translation.of(batch, 0, batch.length).toString()).toBe('TO ALL!');
    expect(translation.of(own, 0, own.length).toString()).toBe('THE KEY!');
  }
  expect(made).toEqual(['to all', 'the key']);
});

it('does not confuse deliveries at the same place in different batches', () => {
  const { translation } = shout();
  const [first, second] = [encodeFrame(message(1, 'first')), encodeFrame(message(2, 'other'))];
  expect(first).toHaveLength(second.length);
  expect(translation.of(first, 0, first.length).toString()).toBe('FIRST!');
  expect(translation.of(second, 0, second.length).toString()).toBe('OTHER!');
});
