/** What a scenario cannot mean, though each of its values is allowed by itself: nobody takes part, or nothing is measured. */

import { fullRate, isMeasured, type Scenario } from './scenario.ts';

export interface Nonsense {
  /** Of the value in the scenario. */
  readonly path: readonly PropertyKey[];
  /** What is wrong and what to do, for people. */
  readonly message: string;
}

/** Messages a second that can be asked for, of all together. */
export const HIGHEST_RATE = 10_000_000;
/** Each pair of a writer and a reader takes 4 bytes: 1 GB of them. */
const MOST_PAIRS = 250_000_000;

/** Empty if it makes sense. */
export function nonsenseIn(scenario: Scenario): Nonsense[] {
  const { users, idle, groups, talk, phases, stormShare } = scenario;
  const found: Nonsense[] = [];
  const refuse = (key: keyof Scenario, message: string): void => void found.push({ path: [key], message });
  if (users + idle === 0) {
    refuse('users', 'nobody takes part; give at least 1 user, or idle connections');
    return found;
  }
  if (!phases.some(isMeasured)) {
    refuse('phases', 'nothing is measured; add a phase "steady", "spike", "storm" or "soak"');
  }
  if (phases.some(({ kind }) => kind === 'storm') && stormShare === 0) {
    refuse('stormShare', 'nobody is cut in the storm; give more than 0, or leave the storm out');
  }
  if (pairsOf(scenario) > MOST_PAIRS) {
    refuse(
      'groups',
      `${pairsOf(scenario).toLocaleString('en-US')} pairs of a writer and a reader are too many to account for; give "writers", or smaller rooms`,
    );
  }
  if (talk === undefined) return found;
  if (groups.length === 0) refuse('talk', 'there is nobody to write to; add "groups", or leave "talk" out');
  else if (users < 2) refuse('users', 'fewer than 2 have nobody to write to; give at least 2');
  const isSilent =
    (talk.loop === 'open' && (talk.perUserPerMinute === 0 || groups.every(({ weight }) => weight === 0))) ||
    phases.every((phase) => !isMeasured(phase) || phase.rate === 0);
  if (isSilent && groups.length > 0) {
    refuse(
      'talk',
      'nobody writes anything while it is measured, as some rate is 0; leave "talk" out if that is meant',
    );
  }
  if (fullRate(scenario) > HIGHEST_RATE) {
    refuse(
      'talk',
      `${fullRate(scenario).toLocaleString('en-US')} messages a second are more than the ${HIGHEST_RATE.toLocaleString('en-US')} that can be asked for`,
    );
  }
  return found;
}

function pairsOf({ users, groups }: Scenario): number {
  return groups.reduce((sum, group) => {
    if (group.kind === 'pairs') return sum + users * 2;
    const size = Math.min(group.size, users);
    return sum + users * Math.min(group.perUser, users) * Math.min(group.writers ?? size, size);
  }, 0);
}
