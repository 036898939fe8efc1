/** The command line: `parley serve`, `parley connect` and `parley load`. Flag over environment over default. */

import { isIPv6 } from 'node:net';
import { availableParallelism } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { EXIT } from '../common/exit.ts';
import { LOG_LEVELS } from '../common/log.ts';
import { VERSION } from '../common/version.ts';
import { addLoad } from '../load/command.ts';

const cores = availableParallelism();

const serveOptions = z.object({
  host: z.string().min(1),
  port: z.number(),
  workers: z.number(),
  hashWorkers: z.number(),
  data: z.string().min(1),
  guests: z.boolean(),
  logLevel: z.enum(LOG_LEVELS),
  outboxLimit: z.number(),
  commandsPerSecond: z.number(),
  keep: z.union([z.number(), z.literal(Number.POSITIVE_INFINITY)]),
});

const connectOptions = z.object({
  display: z.string().min(1).optional(),
  user: z.string().optional(),
  passwordFile: z.string().optional(),
  register: z.boolean(),
  guest: z.boolean(),
  open: z.boolean(),
  json: z.boolean(),
  force: z.boolean(),
});

/** Runs the program that the arguments name. Ends the process, unless it goes on serving. */
export async function main(argv: readonly string[]): Promise<void> {
  // What cannot be told on stderr must not end what it is told about.
  process.stderr.on('error', () => {});
  const program = new Command('parley')
    .description('A chat server and its terminal client: type in the terminal, read in the browser.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError();
  addServe(program);
  addConnect(program);
  addLoad(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('Run the chat server.')
    .exitOverride()
    .addOption(flag('--host <address>', 'address to listen on', 'HOST', host).default('127.0.0.1'))
    .addOption(
      flag('--port <number>', 'port to listen on; 0: any free one', 'PORT', number(0, 65_535)).default(4040),
    )
    .addOption(
      flag('--workers <number>', 'threads that serve connections', 'WORKERS', number(1, 256)).default(
        Math.max(1, cores - 1),
        'cores − 1',
      ),
    )
    .addOption(
      flag('--hash-workers <number>', 'threads that check passwords', 'HASH_WORKERS', number(1, 64)).default(
        Math.max(1, Math.floor(cores / 2)),
        'half the cores',
      ),
    )
    .addOption(
      flag('--data <folder>', 'where accounts and messages are kept', 'DATA').default('./parley-data'),
    )
    .addOption(
      flag('--guests [on]', 'let people in without a password', 'GUESTS', truth).preset('on').default(false),
    )
    .addOption(
      flag('--log-level <level>', 'least level that is logged', 'LOG_LEVEL')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addOption(
      flag(
        '--outbox-limit <bytes>',
        'what may wait for one slow reader before it is disconnected',
        'OUTBOX_LIMIT',
        number(65_536, 1_073_741_824),
      ).default(1_048_576),
    )
    .addOption(
      flag(
        '--commands-per-second <number>',
        'what one connection may send in the long run; 0: no limit',
        'COMMANDS_PER_SECOND',
        number(0, 1_000_000),
      ).default(1_000),
    )
    .addOption(
      flag(
        '--keep <age>',
        'how old messages may become, such as 90d, 12w or 2y; then they are removed',
        'KEEP',
        age,
      ).default(Number.POSITIVE_INFINITY, 'for ever'),
    )
    .addHelpText(
      'after',
      '\nEvery option is also an environment variable: --hash-workers is PARLEY_HASH_WORKERS.',
    )
    .action(async (values: unknown) => {
      const { serve } = await import('../server/serve.ts');
      const { keep, ...options } = serveOptions.parse(values);
      await serve({ ...options, keepMs: keep });
    });
}

function addConnect(program: Command): void {
  program
    .command('connect')
    .description('Chat: type here, and read in the display file, open in a browser.')
    .exitOverride()
    .argument('[address]', 'HOST or HOST:PORT of the server')
    .option('--display <file>', 'the .html file that everything received goes to')
    .option('--user <name>', 'who to log in as')
    .option('--password-file <file>', 'a file whose first line is the password')
    .option('--register', 'register the name first', false)
    .option('--guest', 'come in without a password, where the server allows it', false)
    .option('--open', 'open the display in the browser', false)
    .option('--json', 'print every event as one JSON line on stdout', false)
    .option('--force', 'overwrite a display file that is not one of Parley’s', false)
    .action(async (address: string | undefined, values: unknown) => {
      const { connect } = await import('../client/connect.ts');
      process.exitCode = await connect({ address, ...connectOptions.parse(values) });
    });
}

function flag<T>(flags: string, description: string, variable: string, parse?: (text: string) => T): Option {
  const option = new Option(flags, description).env(`PARLEY_${variable}`);
  return parse === undefined ? option : option.argParser(parse);
}

/** An IPv6 address may stand in brackets, as it does everywhere else. */
function host(text: string): string {
  const [, inside] = /^\[(.*)\]$/.exec(text) ?? [];
  const address = inside ?? text;
  if (isIPv6(address)) return address;
  if (inside === undefined && /^[^\s:[\]/]+$/.test(address)) return address;
  throw new InvalidArgumentError(
    'It is a name or an IP address, such as 0.0.0.0 or [::]; the port is --port.',
  );
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const DAYS = { d: 1, w: 7, y: 365 } as const;

/** In milliseconds. At least a day: keys of messages are remembered for as long. */
function age(text: string): number {
  if (text === 'forever') return Number.POSITIVE_INFINITY;
  const [, count, unit] = /^([1-9]\d{0,4})([dwy])$/.exec(text) ?? [];
  if (unit === 'd' || unit === 'w' || unit === 'y') return Number(count) * DAYS[unit] * DAY_MS;
  throw new InvalidArgumentError('It is a number of days, weeks or years (90d, 12w, 2y), or "forever".');
}

/** For a switch that can also be set, and unset, in the environment. */
function truth(text: string): boolean {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['', '0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw new InvalidArgumentError('It is "true" or "false".');
}
