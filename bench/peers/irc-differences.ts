/** What every IRC server does otherwise than Parley. */

/** Seen on the sockets of ngIRCd 26.1 and InspIRCd 3.15.0. */
export const IRC_REMARK =
  'leaves Nagle’s algorithm on (no TCP_NODELAY): while a write is not acknowledged by the client’s system, which on Linux may take 40 ms, the next small ones wait, and go together. Where few messages are in flight these waits, and not its CPU, bound its rate and its p99; and they may save it CPU. Parley and Socket.IO turn it off; InspIRCd-nodelay is InspIRCd without it';

export const IRC_LACKS: readonly string[] = [
  'stores nothing: a message is gone when the recipient is away, or when the server ends',
  'answers no message: a sender does not learn whether it arrived',
  'has, as it was set up here, no history, no search, no accounts, and no way to come back to what was missed',
];

export const IRC_OFFERS: readonly string[] = [
  'is spoken by many clients and bots',
  'has operators and moderation: bans, modes, topics, kicks',
  'links several servers to one network, and encrypts with TLS',
];
