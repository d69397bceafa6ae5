/** Untrusted text must show as it is, and do nothing. */

import { describe, expect, test } from 'vitest';
import { code, left, table } from '../../src/reporters/document.ts';
import { documentMarkdown } from '../../src/reporters/document-markdown.ts';
import { clip, htmlText, jsonText, markdownText, plainText } from '../../src/reporters/escape.ts';
import { hanging, padTo, textWidth, wrapWords } from '../../src/reporters/text-layout.ts';

describe('plainText', () => {
  test.each([
    ['line breaks', 'one\r\n  two\n\nthree', 'one two three'],
    ['a carriage return alone', 'safe\rrm -rf', 'safe rm -rf'],
    ['tabs', 'a\t\tb', 'a b'],
    ['an ANSI colour', '\u001b[31mred\u001b[0m', '␛[31mred␛[0m'],
    ['a title sequence', '\u001b]0;owned\u0007', '␛]0;owned␇'],
    ['an 8-bit control sequence', '\u009b2J', '<U+009B>2J'],
    ['a null byte', 'a\u0000b', 'a␀b'],
    ['delete', 'a\u007fb', 'a␡b'],
    ['text turned around', '\u202egnp.exe', '<U+202E>gnp.exe'],
    ['half a surrogate pair', 'a\ud800b', 'a\ufffdb'],
    ['letters of all scripts and emoji', 'zażółć 東京 👩‍👩‍👧', 'zażółć 東京 👩‍👩‍👧'],
  ])('%s', (_, text, expected) => {
    expect(plainText(text)).toBe(expected);
  });
});

describe('markdownText', () => {
  test.each([
    ['a pipe', 'a | b', 'a &#124; b'],
    ['backticks', '`rm`', '&#96;rm&#96;'],
    ['a script', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['an entity', '&lt;', '&amp;lt;'],
    ['a link', '[here](x)', '\\[here\\](x)'],
    ['an address that would become a link', 'https://evil.example', 'https&#58;//evil.example'],
    ['a host that would become a link', 'see www.evil.example', 'see www&#46;evil.example'],
    ['emphasis', '*a* _b_ __c__', '\\*a\\* \\_b\\_ \\_\\_c\\_\\_'],
    ['an underscore within a word', 'max_connections', 'max_connections'],
    ['strikethrough', '~~x~~', '\\~\\~x\\~\\~'],
    ['mathematics', '$x$', '&#36;x&#36;'],
    ['a backslash before a pipe', '\\|', '\\\\&#124;'],
    ['a heading', '# title', '\\# title'],
    ['a number sign within', 'shard #4', 'shard #4'],
    ['a list', '- item', '\\- item'],
    ['a numbered list', '1. item', '1\\. item'],
    ['a figure', '4.2 s', '4.2 s'],
    ['a rule', '---', '\\---'],
    ['a quotation', '> said', '&gt; said'],
    ['line breaks', 'a\n\n# b', 'a # b'],
    ['an ANSI escape and a null byte', '\u001b[31m\u0000', '␛\\[31m␀'],
  ])('%s', (_, text, expected) => {
    expect(markdownText(text)).toBe(expected);
  });
});

describe('code, HTML and JSON', () => {
  test('inline code stays code, also with what would end it or split a table', () => {
    const cells = documentMarkdown([
      table([left('a'), left('b'), left('c')], [[code('ECONNREFUSED'), code('a|b`c<d>\u001b'), code('')]]),
    ]);
    expect(cells.split('\n').at(2)).toBe('| `ECONNREFUSED` | <code>a&#124;b&#96;c&lt;d&gt;␛</code> | |');
  });

  test('a block of code cannot be closed from within', () => {
    const block = { type: 'code', language: 'sh', lines: ['run ```\n# x', '```'] } as const;
    expect(documentMarkdown([block])).toBe('````sh\nrun ``` # x\n```\n````\n');
  });

  test('HTML', () => {
    expect(htmlText('a_b <i>\n&')).toBe('a_b &lt;i&gt; &amp;');
    expect(htmlText(`" onload='x' \uffff`)).toBe('&quot; onload=&#39;x&#39; &lt;U+FFFF&gt;');
  });

  test('JSON says the same after parsing, and holds no control character', () => {
    const text = 'a\u0000\u001b[31m\u009b\u202e"\\\n\u007f';
    expect(JSON.parse(jsonText(text))).toBe(text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(jsonText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  test('a long text is cut with a sign', () => {
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdefg', 6)).toBe('abcde…');
    expect(clip('abcd👍g', 6)).toBe('abcd\ufffd…');
  });
});

describe('layout', () => {
  test('wide characters take two columns', () => {
    expect(textWidth('ab東京👍')).toBe(8);
    expect(padTo('東', 4)).toBe('東  ');
  });

  test('words are wrapped, and a word that is too wide is broken', () => {
    expect(wrapWords('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
    expect(wrapWords('abcdefghijk lm', 5)).toEqual(['abcde', 'fghij', 'k lm']);
    expect(wrapWords('', 5)).toEqual(['']);
  });

  test('further lines stand below the first', () => {
    expect(hanging('- ', 'one two three', 9)).toEqual(['- one two', '  three']);
  });
});
