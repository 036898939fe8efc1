/** What can be found wrong with what clients are shown, and with what is stored. */

export const KINDS = [
  'lost',
  'gap',
  'repeat',
  'foreign',
  'altered',
  'duplicated',
  'out of order',
  'never attempted',
  'stray',
  'not readable',
  'hash',
  'refused',
  'failed',
] as const;

export type Kind = (typeof KINDS)[number];

export type Report = (kind: Kind, detail: string) => void;
