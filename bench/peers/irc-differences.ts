/** How every IRC server differs from Parley. */

/** Observed on the sockets of ngIRCd 26.1 and InspIRCd 3.15.0. One sentence each. */
export const IRC_REMARK: readonly string[] = [
  'These servers leave Nagle’s algorithm on (no TCP_NODELAY).',
  'While a write has not been acknowledged by the client’s kernel, which can take 40 ms on Linux, small writes that follow are held back and sent together.',
  'With few messages in flight, this wait, and not the CPU, limits their rate and their p99; it may also save CPU time.',
  'Parley and Socket.IO turn Nagle’s algorithm off; InspIRCd-nodelay is InspIRCd without it.',
];

export const IRC_LACKS: readonly string[] = [
  'stores nothing: a message is gone if the recipient is away or the server exits',
  'does not acknowledge messages: a sender does not learn whether a message arrived',
  'has, in this setup, no history, no search, no accounts, and no way to receive missed messages later',
];

export const IRC_OFFERS: readonly string[] = [
  'works with many clients and bots',
  'has operators and moderation: bans, modes, topics, kicks',
  'links several servers into one network, and encrypts with TLS',
];
