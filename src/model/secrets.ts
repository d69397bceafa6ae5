/**
 * Masks passwords in foreign text. A server may quote a statement or a connection string with a password, which must
 * not reach a history, a report or an error.
 */

const MASK = '********';

// A text may be cut off anywhere, so an unterminated password counts too.

/** `postgres://user:password@host`, and other schemes. Bounded, or a hostile text would be slow to match. */
const IN_URL = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/'"]{0,100}:)[^\s@'"]{1,200}(?:@|…$)/gi;
/** `password=x`, `PGPASSWORD=x`, `password = 'x y'`. */
const ASSIGNED =
  /((?:pass(?:word|wd)|pwd)\s*=\s*)('(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|[^\s'",;)}\\]+)/gi;
/** `"password": "x"` of JSON and of Node's own output. */
const FIELD = /(["']?\w{0,30}password["']?\s*:\s*)("(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$))/gi;
/** `PASSWORD 'x'` of a statement, also as `E'x'`. */
const IN_STATEMENT = /(\bpassword\s+E?)'(?:[^'\\]|\\.|'')*(?:'|$)/gi;

/** The text without the passwords that their context reveals. */
export function withoutSecrets(text: string): string {
  // Most texts have none of these words, and this test is cheap.
  if (!/pass|pwd|:\/\//i.test(text)) return text;
  return text
    .replace(IN_URL, `$1${MASK}@`)
    .replace(ASSIGNED, `$1${MASK}`)
    .replace(FIELD, `$1"${MASK}"`)
    .replace(IN_STATEMENT, `$1'${MASK}'`);
}
