import { describe, expect, it } from 'vitest';
import { readPacket } from '../../bench/wires/socket-io-packet.ts';

function read(text: string): unknown {
  const packet = readPacket(Buffer.from(text));
  if (packet.type !== 'message') return packet;
  return packet.bytes.toString('utf8', packet.start, packet.end);
}

const OTHER = { type: 'other' };

describe('packets of Socket.IO', () => {
  it('a message', () => {
    expect(read('42["message","ann","#tea","hot tea"]')).toBe('hot tea');
    expect(read('42["message","","",""]')).toBe('');
  });

  it('a message with something escaped, wherever it is', () => {
    for (const values of [
      ['ann', '#tea', 'so "hot" \\ tea\n'],
      ['a"n"n', '#tea', 'hot'],
      ['ann', '#"tea', 'hot'],
      ['ann', '#tea', 'brühheiß'],
    ])
      expect(read(`42${JSON.stringify(['message', ...values])}`)).toBe(values[2]);
  });

  it('events of another form are nothing to us', () => {
    for (const text of [
      '42["message"]',
      '42["message","ann"]',
      '42["message","ann","#tea"]',
      '42["message","ann","#tea",5]',
      '42["message","ann","#tea","hot","tea"]',
      '42["message","ann","#tea","so \\"hot\\"","tea"]',
      '42["message","ann","#tea","so \\',
      '42["message","ann","#tea","hot"',
      '42["message","ann","#tea","hot',
      '42["message","ann",{"a":"#tea"},"hot"]',
      '42["messages","ann","#tea","hot"]',
      '42/elsewhere,["message","ann","#tea","hot"]',
      '421["message","ann","#tea","hot"]',
      '42',
    ])
      expect(read(text), text).toEqual(OTHER);
  });

  it('an answer, with or without a refusal', () => {
    expect(read('430[]')).toEqual({ type: 'answer', id: 0, refusal: undefined });
    expect(read('431234567[]')).toEqual({ type: 'answer', id: 1_234_567, refusal: undefined });
    expect(read('437["name_taken"]')).toEqual({ type: 'answer', id: 7, refusal: 'name_taken' });
    expect(read('437[null,1]')).toEqual({ type: 'answer', id: 7, refusal: undefined });
    for (const text of ['43[]', '43', '43x[]', '437["']) expect(read(text), text).toEqual(OTHER);
  });

  it('what keeps the connection', () => {
    expect(read('2')).toEqual({ type: 'ping' });
    expect(read('40{"sid":"x"}')).toEqual({ type: 'connected' });
    expect(read('41')).toEqual({ type: 'disconnected' });
    expect(read('44{"message":"not here"}')).toEqual({ type: 'refused', reason: 'not here' });
    expect(read('44{')).toEqual({ type: 'refused', reason: '' });
    for (const text of ['', '0{"sid":"x"}', '6', '4', '45', '46', 'x'])
      expect(read(text), text).toEqual(OTHER);
  });
});
