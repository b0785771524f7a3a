import { printableBytes, printableText } from './printable.js';

describe('printing the bytes of a dead letter', () => {
  it('indents JSON and escapes what would act on a terminal', () => {
    const raw = Buffer.from(JSON.stringify({ id: 'a\u001b[2Jb', note: '\u202eevil' }));
    expect(printableBytes(raw)).toBe('{\n  "id": "a\\u001b[2Jb",\n  "note": "\\u{202e}evil"\n}');
  });

  it('keeps the lines of other text and escapes the rest', () => {
    expect(printableBytes(Buffer.from('{"a":\r\n\u001b]0;x\u0007'))).toBe('{"a":\\u{d}\n\\u{1b}]0;x\\u{7}');
  });

  it('dumps what is no text, and says how much is left out', () => {
    const dump = printableBytes(Buffer.concat([Buffer.from([0xff, 0x00, 0x41]), Buffer.alloc(3_000)]));
    expect(dump).toMatch(/^00000000 {2}ff 00 41 00 .* \.\.A\.+\n/);
    expect(dump).toMatch(/… 955 bytes more/);
  });

  it('shows long text in part', () => {
    expect(printableBytes(Buffer.from('x'.repeat(20_000)))).toMatch(/x\n… 3616 characters more/);
    expect(printableText('ok')).toBe('ok');
  });
});
