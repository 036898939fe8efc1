import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PORT, formatAddress, readAddress } from '../../src/common/address.ts';

describe('readAddress', () => {
  it.each([
    ['example.org', 'example.org', DEFAULT_PORT],
    ['example.org:80', 'example.org', 80],
    [' 10.0.0.1:65535 ', '10.0.0.1', 65_535],
    ['[::1]:5000', '::1', 5_000],
    ['[fe80::1%eth0]', 'fe80::1%eth0', DEFAULT_PORT],
  ])('reads %j', (typed, host, port) => {
    expect(readAddress(typed)).toEqual({ type: 'address', address: { host, port } });
  });

  it.each([
    '',
    ':',
    ':80',
    'a b',
    'host:',
    'host:0',
    'host:65536',
    'host:1e3',
    'host:80:90',
    '[]:1',
    '[x]:1',
    'http://h',
  ])('refuses %j and says why', (typed) => {
    expect(readAddress(typed)).toMatchObject({ type: 'refused', text: expect.stringMatching(/./) });
  });

  it('tells how to write an IPv6 address without brackets', () => {
    expect(readAddress('::1')).toMatchObject({ text: expect.stringContaining('[::1]:4040') });
  });

  it('reads what formatAddress wrote', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        const address = { host: name, port };
        expect(readAddress(formatAddress(address))).toEqual({ type: 'address', address });
      }),
    );
  });
});
