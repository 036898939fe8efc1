/**
 * Finds web addresses in a text. A link leads where its author meant, or there is no link: anything ambiguous stays
 * text. Only complete `http:` and `https:` addresses count, because a bare domain or an e-mail address would be a
 * guess.
 */

import { LinkifyIt } from 'linkify-it';

export interface Link {
  /** Range in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** In ASCII, as a browser would request it. */
  readonly href: string;
  /** The real host, if the text spells it differently, for example with look-alike letters. */
  readonly host: string | undefined;
}

const linkify = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false });

const START = /(?<![A-Za-z0-9+.-])https?:(?=\/\/)/gi;
/** Invisible characters, or ones that change the direction of the rest. */
const HIDDEN = /[\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u;
/** Another address after a comma, without a space. */
const NEXT = /[,;|]https?:\/\//i;
/** Characters put around words for emphasis. */
const EMPHASIS = new Set(['*', '_', '~', '`', '|']);
/** More than punctuation follows without a space. */
const CONTINUES = /^\S*?[\p{L}\p{N}]/u;
/**
 * What ends an address even if words follow: a closing bracket or quote, an East Asian punctuation mark, emphasis, a
 * list.
 */
const CLOSING = /^(?:[\p{Pe}"'>»”*_~`|]|[，、；：！？､]|[,;|]https?:\/\/)/iu;
/** East Asian full stops. In a host name they stand for dots. */
const FULL_STOP = /^[。．｡]/;

/** The start of an address, up to its path. */
const HOST = /^https?:\/\/([^/?#]*?)(?::\d*)?(?![^/?#])/i;

/** Links in text order, without overlaps. */
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

/** False if more follows that may belong to the address, such as `@` and the host that it really leads to. */
function hasEnded(address: string, rest: string): boolean {
  if (!CONTINUES.test(rest) || CLOSING.test(rest)) return true;
  return FULL_STOP.test(rest) && HOST.exec(address)?.[0] !== address;
}

function hostIn(address: string): string {
  return HOST.exec(address)?.[1]?.toLowerCase() ?? '';
}
