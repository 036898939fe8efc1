/** The kinds of faults in what clients are shown and in what is stored. */

export const VIEW_FAULTS = [
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

export type ViewFault = (typeof VIEW_FAULTS)[number];

export type Report = (kind: ViewFault, detail: string) => void;
