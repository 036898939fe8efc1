/** A row of the command table: a name, parameters, help, and the effect. */

import { type Argument, fits, type Values } from '../../protocol/arguments.ts';
import { type ArgumentsOf, fitsVerb, type Verb } from '../../protocol/verbs.ts';
import type { CommandScope } from './command-results.ts';
import type { Result } from './result.ts';
import type { Context, Plan, Refused } from './typed-command.ts';

/** Which names complete an argument. */
export type NameKind = 'people' | 'rooms' | 'conversations' | 'commands' | 'none';

export interface Parameter<T> extends Argument<T> {
  /** How help shows it; optional ones in brackets. */
  readonly label: string;
  readonly completes: NameKind;
  /** Takes the rest of the line unchanged, including spaces. Only the last parameter can. */
  readonly takesRest: boolean;
}

export interface ClientCommand {
  /** Without the slash. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly parameters: ReadonlyArray<Parameter<unknown>>;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Further lines for help on this command. */
  readonly details: readonly string[];
  /** Only scripts need this command; it is refused at a terminal, where it would make the user wait. */
  readonly isForScripts: boolean;
  /** The protocol verb it uses; undefined if the client carries out the command itself. */
  readonly verb: Verb | undefined;
  /** Undefined if the arguments do not fit. */
  plan(values: readonly unknown[], context: Context): Plan | Refused | undefined;
  /** The result of a granted request: `values` are its arguments, `answer` is the server's result. */
  conclude?(scope: CommandScope, values: readonly unknown[], answer: unknown): Result | Promise<Result>;
}

type About = Pick<ClientCommand, 'name' | 'summary'> &
  Partial<Pick<ClientCommand, 'aliases' | 'details' | 'isForScripts' | 'verb'>>;

/** Defines a command that needs more than one request, or none. */
export function define<const Specs extends ReadonlyArray<Parameter<unknown>>>(
  about: About,
  parameters: Specs,
  plan: (values: Values<Specs>, context: Context) => Plan | Refused,
): ClientCommand {
  return {
    aliases: [],
    details: [],
    isForScripts: false,
    verb: undefined,
    ...about,
    parameters,
    plan: (values, context) => (fits(values, parameters) ? plan(values, context) : undefined),
  };
}

/**
 * Defines a command that is a single request: how its arguments follow from the typed ones, and what its answer means.
 */
export function request<V extends Verb, const Specs extends ReadonlyArray<Parameter<unknown>>>(
  about: About & { readonly verb: V },
  parameters: Specs,
  toArguments: (values: Values<Specs>, context: Context) => ArgumentsOf<V> | Refused,
  conclude: (scope: CommandScope, values: ArgumentsOf<V>, answer: unknown) => Result | Promise<Result>,
): ClientCommand {
  const { name, verb } = about;
  return {
    ...define(about, parameters, (typed, context) => {
      const values = toArguments(typed, context);
      return 'type' in values ? values : { type: 'request', command: name, verb, values };
    }),
    conclude(scope, values, answer) {
      // The values come back from the writer thread, which got them from `toArguments`.
      if (!fitsVerb(verb, values)) throw new Error(`/${name} made a request that is not one`);
      return conclude(scope, values, answer);
    },
  };
}

export function parameter<T>(
  spec: Argument<T>,
  label: string,
  completes: NameKind,
  takesRest: boolean = false,
): Parameter<T> {
  return { ...spec, label, completes, takesRest };
}
