/**
 * Passwords in what servers, libraries and people say. pgquake never puts one into a text; a server may quote a
 * statement or a connection string that holds one, and that must not get into a history, a report or an error.
 */

const MASK = '********';

// A text may have been cut off anywhere: what began as a password and has no end is one.

/** `postgres://user:password@host`, also of other schemes. Bounded, or a hostile text takes long. */
const IN_URL = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/'"]{0,100}:)[^\s@'"]{1,200}(?:@|…$)/gi;
/** `password=x`, `PGPASSWORD=x`, `password = 'x y'`. */
const ASSIGNED =
  /((?:pass(?:word|wd)|pwd)\s*=\s*)('(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|[^\s'",;)}\\]+)/gi;
/** `"password": "x"` of JSON and of what Node.js prints. */
const FIELD = /(["']?\w{0,30}password["']?\s*:\s*)("(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$))/gi;
/** `PASSWORD 'x'` of a statement, with or without the escapes of E''. */
const IN_STATEMENT = /(\bpassword\s+E?)'(?:[^'\\]|\\.|'')*(?:'|$)/gi;

/** The text without the passwords that can be told by what stands before them. */
export function withoutSecrets(text: string): string {
  // Few texts hold one, and looking for these two costs little.
  if (!/pass|pwd|:\/\//i.test(text)) return text;
  return text
    .replace(IN_URL, `$1${MASK}@`)
    .replace(ASSIGNED, `$1${MASK}`)
    .replace(FIELD, `$1"${MASK}"`)
    .replace(IN_STATEMENT, `$1'${MASK}'`);
}
