import * as fc from 'fast-check';

/** Any code point except surrogates. A third of them are ASCII. */
const unit = fc
  .oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point));

const depthIdentifier = fc.createDepthIdentifier();

/**
 * Any value that the protocol can express: JSON values with safe integers and floats, nested at most 8 deep. The key
 * `__proto__` is excluded, because no decoder preserves it.
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

/** Any array that a body can contain. */
export const anyArray: fc.Arbitrary<unknown[]> = fc.array(anyValue, { maxLength: 8, depthIdentifier });
