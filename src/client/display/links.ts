/**
 * Web addresses in a text. A link leads where its author meant, or there is none: what could be read in two ways stays
 * text. Only `http:` and `https:` that are written out count; a bare domain or an e-mail address would be a guess.
 */

import { LinkifyIt } from 'linkify-it';

export interface Link {
  /** From where to where in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** In ASCII, as a browser would ask for it. */
  readonly href: string;
  /** The host that it leads to, where it is not spelt so in the text, as with letters that look like others. */
  readonly host: string | undefined;
}

const linkify = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false });

const START = /(?<![A-Za-z0-9+.-])https?:(?=\/\/)/gi;
/** What nobody sees, or what turns the direction of the rest. */
const HIDDEN = /[\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u;
/** Another address, behind a comma and no blank. */
const NEXT = /[,;|]https?:\/\//i;
/** Marks around words, as people put them for emphasis. */
const EMPHASIS = new Set(['*', '_', '~', '`', '|']);
/** More than punctuation follows, without a blank between. */
const GOES_ON = /^\S*?[\p{L}\p{N}]/u;
/** What ends an address although words follow: a closing bracket or quote, an East Asian mark, emphasis, a list. */
const CLOSING = /^(?:[\p{Pe}"'>»”*_~`|]|[，、；：！？､]|[,;|]https?:\/\/)/iu;
/** The full stops of East Asia. In a host they stand for its dots. */
const FULL_STOP = /^[。．｡]/;

/** The beginning of an address, up to its path. */
const HOST = /^https?:\/\/([^/?#]*?)(?::\d*)?(?![^/?#])/i;

/** In their order, none within another. */
export function findLinks(text: string): Link[] {
  const links: Link[] = [];
  let done = 0;
  for (const { index, 0: scheme } of text.matchAll(START)) {
    if (index < done) continue;
    const length = linkify.testSchemaAt(text, scheme, index + scheme.length);
    if (length === 0) continue;
    const whole = text.slice(index, index + scheme.length + length);
    done = index + whole.length;
    const address = withoutEmphasis(whole.slice(0, NEXT.exec(whole)?.index), text[index - 1]);
    const end = index + address.length;
    if (!hasEnded(address, text.slice(end)) || HIDDEN.test(address) || !URL.canParse(address)) continue;
    done = end;
    const { href, hostname } = new URL(address);
    links.push({ start: index, end, href, host: hostname === hostIn(address) ? undefined : hostname });
  }
  return links;
}

function withoutEmphasis(address: string, before: string | undefined): string {
  if (before === undefined || !EMPHASIS.has(before)) return address;
  let { length } = address;
  while (address[length - 1] === before) length -= 1;
  return address.slice(0, length);
}

/** False where more follows that may belong to the address, such as `@` and the host that it really leads to. */
function hasEnded(address: string, rest: string): boolean {
  if (!GOES_ON.test(rest) || CLOSING.test(rest)) return true;
  return FULL_STOP.test(rest) && HOST.exec(address)?.[0] !== address;
}

function hostIn(address: string): string {
  return HOST.exec(address)?.[1]?.toLowerCase() ?? '';
}
