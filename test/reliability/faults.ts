/** What can be found wrong with what clients are shown. */

export const KINDS = [
  'lost',
  'gap',
  'repeat',
  'foreign',
  'altered',
  'doubled',
  'disorder',
  'stray',
  'history',
  'hash',
  'stuck',
  'failed',
] as const;

export type Kind = (typeof KINDS)[number];

export type Report = (kind: Kind, detail: string) => void;
