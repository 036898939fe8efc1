/** Asks the user for everything that was not given, and repeats each question until the answer is valid. */

import { isUserName, USER_RULE } from '../../chat/names.ts';
import { type Address, DEFAULT_ADDRESS, readAddress } from '../../common/address.ts';
import { password as newPassword, secret } from '../../protocol/arguments.ts';
import { displayFile } from '../options.ts';
import type { Credentials } from '../session/login.ts';

export const DEFAULT_DISPLAY = 'chat.html';

/** The user who answers questions. */
export interface Person {
  /** Never resolves if the user has left, so callers race it against the client's exit. */
  ask(question: string, isHidden?: boolean): Promise<string>;
  /** Asks a question that Ctrl-C or Ctrl-D cancels; undefined then. */
  askOptional(question: string, isHidden?: boolean): Promise<string | undefined>;
  print(text: string): void;
}

export async function askAddress(person: Person): Promise<Address> {
  for (;;) {
    const answer = (await person.ask(`Server [${DEFAULT_ADDRESS}]: `)).trim();
    const read = readAddress(answer === '' ? DEFAULT_ADDRESS : answer);
    if (read.type === 'address') return read.address;
    person.print(read.text);
  }
}

export async function askDisplay(person: Person): Promise<string> {
  const answer = (await person.ask(`Display file [${DEFAULT_DISPLAY}]: `)).trim();
  return displayFile(answer === '' ? DEFAULT_DISPLAY : answer);
}

/** What is already known, and therefore not asked. */
export interface KnownAnswers {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly register: boolean;
  readonly guest: boolean;
}

export async function askCredentials(person: Person, known: KnownAnswers): Promise<Credentials> {
  if (known.guest) return { type: 'guest', user: known.user ?? (await askName(person)) };
  // A user who gives a name without --register has an account.
  const register = known.register || (known.user === undefined && (await askRegister(person)));
  const user = known.user ?? (await askName(person));
  const password = known.password ?? (await askPassword(person, register));
  return { type: 'account', user, password, register };
}

/** The same account with another password, asked for with a hidden prompt; undefined if the user cancelled. */
export async function askPasswordAgain(
  person: Person,
  credentials: Credentials,
): Promise<Credentials | undefined> {
  if (credentials.type === 'guest') return undefined;
  const { user, register } = credentials;
  const question = `Password of ${user} (Ctrl-C: start over): `;
  for (;;) {
    const password = await person.askOptional(question, true);
    if (password === undefined) return undefined;
    const spec = register ? newPassword : secret;
    if (!spec.is(password)) person.print(spec.rule);
    else if (!register || (await person.askOptional('Password again: ', true)) === password) {
      return { ...credentials, password };
    } else person.print('the two passwords differ');
  }
}

async function askRegister(person: Person): Promise<boolean> {
  for (;;) {
    const answer = (await person.ask('Register or log in? [log in]: ')).trim().toLowerCase();
    if (answer === '' || (answer !== 'log' && 'login'.startsWith(answer.replace(/\s/g, '')))) return false;
    if ('register'.startsWith(answer)) return true;
    person.print('type "register" to create an account, or "log in" if you have one');
  }
}

async function askName(person: Person): Promise<string> {
  for (;;) {
    const answer = (await person.ask('Name: ')).trim();
    if (isUserName(answer)) return answer;
    person.print(USER_RULE);
  }
}

async function askPassword(person: Person, register: boolean): Promise<string> {
  const spec = register ? newPassword : secret;
  for (;;) {
    const password = await person.ask('Password: ', true);
    if (!spec.is(password)) person.print(spec.rule);
    else if (!register || (await person.ask('Password again: ', true)) === password) return password;
    else person.print('the two passwords differ');
  }
}
