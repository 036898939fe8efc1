/** What `parley load` was given on its command line, and what it means for the scenario. */

import { type Scenario, SHORTEST_TEXT, scenarioSchema } from './scenario/scenario.ts';
import { nonsenseIn } from './scenario/scenario-sense.ts';

/** Of the command line. What is undefined was not given. */
export interface LoadOptions {
  /** A name, or a file. */
  readonly scenario: string;
  readonly server?: string | undefined;
  readonly protocol: string;
  readonly iMayLoad?: string | undefined;
  readonly pid?: number | undefined;
  /** Accounts that were prepared on that server. */
  readonly accounts?: number | undefined;
  readonly passwordFile?: string | undefined;
  readonly users?: number | undefined;
  /** Messages a second, of all together. */
  readonly rate?: number | undefined;
  /** Messages in flight in each conversation: a closed loop. */
  readonly closed?: number | undefined;
  /** Members of each room. */
  readonly room?: number | undefined;
  /** Of all measured phases together. */
  readonly seconds?: number | undefined;
  readonly text?: number | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  /** Of the server that is started for the run. */
  readonly workers?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
  readonly expect: readonly string[];
  readonly abortOnFail: boolean;
  readonly quiet: boolean;
}

export type Adjusted =
  | { readonly type: 'adjusted'; readonly scenario: Scenario }
  | { readonly type: 'refused'; readonly text: string };

/** The scenario as the options want it. */
export function adjust(scenario: Scenario, options: LoadOptions): Adjusted {
  const { users = scenario.users, rate, closed, room, seconds, text } = options;
  if (rate !== undefined && closed !== undefined) {
    return refuse('--rate and --closed exclude each other: in a closed loop the server sets the rate');
  }
  if (text !== undefined && text < SHORTEST_TEXT) {
    return refuse(`--text: at least ${SHORTEST_TEXT} bytes, which is what a message tells of itself`);
  }
  const talk =
    closed !== undefined
      ? { loop: 'closed' as const, inFlight: closed }
      : rate !== undefined
        ? { loop: 'open' as const, perUserPerMinute: (rate * 60) / Math.max(1, users) }
        : scenario.talk;
  const groups = scenario.groups.map((group) =>
    room !== undefined && group.kind === 'rooms' ? { ...group, size: room } : group,
  );
  const adjusted = scenarioSchema.safeParse({
    ...scenario,
    users,
    groups,
    phases: seconds === undefined ? scenario.phases : stretch(scenario.phases, seconds),
    ...(talk === undefined ? {} : { talk }),
    ...(text === undefined ? {} : { textBytes: text }),
  });
  if (adjusted.success) {
    const [nonsense] = nonsenseIn(adjusted.data);
    if (nonsense === undefined) return { type: 'adjusted', scenario: adjusted.data };
    return refuse(`${nonsense.path.join('.')}: ${nonsense.message}`);
  }
  return refuse(adjusted.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

/** So that the measured phases together take that long. */
function stretch(phases: Scenario['phases'], seconds: number): Scenario['phases'] {
  const isLong = ({ kind }: Scenario['phases'][number]): boolean => kind !== 'ramp' && kind !== 'warm_up';
  const all = phases.filter(isLong).reduce((sum, phase) => sum + phase.seconds, 0);
  return phases.map((phase) =>
    isLong(phase) ? { ...phase, seconds: (phase.seconds * seconds) / all } : phase,
  );
}

function refuse(text: string): Adjusted {
  return { type: 'refused', text };
}
