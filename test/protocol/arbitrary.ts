import * as fc from 'fast-check';

/** Any code point but the surrogates: a third of them ASCII. */
const unit = fc
  .oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point));

const depthIdentifier = fc.createDepthIdentifier();

/**
 * Whatever the protocol could ever send: what JSON can say, with numbers that are exact, no deeper than 8. The key
 * `__proto__` is left out, because no decoder gives it back.
 */
const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 7, depthIdentifier },
    fc.string({ unit, maxLength: 80 }),
    fc.string({ unit: 'binary-ascii', maxLength: 400 }),
    fc.maxSafeInteger(),
    fc.double({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 6, depthIdentifier }),
    fc.dictionary(
      fc.string({ unit, maxLength: 40 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 6, depthIdentifier, noNullPrototype: true },
    ),
  ),
})).value;

/** The array in any body that the protocol could ever send. */
export const anyArray: fc.Arbitrary<unknown[]> = fc.array(anyValue, { maxLength: 8, depthIdentifier });
