/** Scenarios for tests: minimal ones, and random ones. */

import fc from 'fast-check';
import type { z } from 'zod';
import { type Scenario, scenarioSchema } from '../../../src/load/scenario/scenario.ts';

type ScenarioInput = Omit<z.input<typeof scenarioSchema>, 'version' | 'name' | 'phases'>;

export function scenarioOf(input: ScenarioInput): Scenario {
  return scenarioSchema.parse({
    version: 1,
    name: 'test',
    phases: [{ kind: 'steady', seconds: 1 }],
    ...input,
  });
}

const group = fc.oneof(
  fc.record({ kind: fc.constant('pairs' as const), weight: fc.integer({ min: 0, max: 5 }) }),
  fc.record(
    {
      kind: fc.constant('rooms' as const),
      size: fc.integer({ min: 2, max: 30 }),
      perUser: fc.integer({ min: 1, max: 4 }),
      writers: fc.integer({ min: 1, max: 30 }),
    },
    { requiredKeys: ['kind', 'size', 'perUser'] },
  ),
);

/** Up to 120 users in up to 3 groups. */
export const anyScenario: fc.Arbitrary<Scenario> = fc
  .record({
    users: fc.nat(120),
    groups: fc.array(group, { maxLength: 3 }),
    slowShare: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(scenarioOf);
