/** What a row of the table of commands is: a name, parameters, help, and what comes of it. */

import { type Argument, fits, type Values } from '../../protocol/arguments.ts';
import { type ArgumentsOf, fitsVerb, type Verb } from '../../protocol/verbs.ts';
import type { Asker } from './command-results.ts';
import type { Result } from './result.ts';
import type { Context, Plan, Refused } from './typed-command.ts';

/** Which names complete an argument. */
export type NameKind = 'people' | 'rooms' | 'conversations' | 'commands' | 'none';

export interface Parameter<T> extends Argument<T> {
  /** How help shows it; optional ones in brackets. */
  readonly label: string;
  readonly completes: NameKind;
  /** Takes the rest of the line as it is, blanks included. Only the last one can. */
  readonly takesRest: boolean;
}

export interface ClientCommand {
  /** Without the slash. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly parameters: ReadonlyArray<Parameter<unknown>>;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Further lines, for help on this command. */
  readonly details: readonly string[];
  /** A command that only a script needs; refused at a terminal, where it would make a person wait. */
  readonly isForScripts: boolean;
  /** The verb of the protocol that it uses; undefined if the client carries it out by itself. */
  readonly verb: Verb | undefined;
  /** undefined when the arguments do not fit. */
  plan(values: readonly unknown[], context: Context): Plan | Refused | undefined;
  /** The result of a request that was granted: `values` are its arguments, `answer` is the server's result. */
  conclude?(asker: Asker, values: readonly unknown[], answer: unknown): Result | Promise<Result>;
}

type About = Pick<ClientCommand, 'name' | 'summary'> &
  Partial<Pick<ClientCommand, 'aliases' | 'details' | 'isForScripts' | 'verb'>>;

/** A command that takes more, or something else, than one request. */
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

/** A command that is one request: how its arguments follow from what was typed, and what its answer means. */
export function request<V extends Verb, const Specs extends ReadonlyArray<Parameter<unknown>>>(
  about: About & { readonly verb: V },
  parameters: Specs,
  toArguments: (values: Values<Specs>, context: Context) => ArgumentsOf<V> | Refused,
  conclude: (asker: Asker, values: ArgumentsOf<V>, answer: unknown) => Result | Promise<Result>,
): ClientCommand {
  const { name, verb } = about;
  return {
    ...define(about, parameters, (typed, context) => {
      const values = toArguments(typed, context);
      return 'type' in values ? values : { type: 'request', command: name, verb, values };
    }),
    conclude(asker, values, answer) {
      // The values come back from the writer thread, which had them from `toArguments`.
      if (!fitsVerb(verb, values)) throw new Error(`/${name} made a request that is not one`);
      return conclude(asker, values, answer);
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
