/** Exit codes. 69, 75 and 77 are EX_UNAVAILABLE, EX_TEMPFAIL and EX_NOPERM of sysexits(3). */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unavailable: 69,
  /** Load test: the measurement says nothing about the server. Try again on a quieter machine. */
  invalid: 75,
  refused: 77,
  /** Load test: a threshold was missed. */
  threshold: 99,
  interrupted: 130,
} as const;

/** Why the program refuses to start, for people. It exits with `EXIT.refused`. */
export class Refusal extends Error {}

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
