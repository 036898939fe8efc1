/** What every IRC server does otherwise than Parley. */

export const IRC_LACKS: readonly string[] = [
  'stores nothing: a message is gone when the recipient is away, or when the server ends',
  'answers no message: a sender does not learn whether it arrived',
  'has no history, no search, no accounts of its own, and no way to come back to what was missed',
];

export const IRC_OFFERS: readonly string[] = [
  'is spoken by hundreds of clients and bots',
  'has operators and moderation: bans, modes, topics, kicks',
  'links several servers to one network, and encrypts with TLS',
];
