import fc from "fast-check";

/** What a terminal would obey, or what would turn writing round, in any text but line feeds of our own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
export const STEERING = /[\x00-\x09\x0B-\x1F\x7F-\x9F\u061C\u200E\u200F\u2028-\u202E\u2066-\u206F\uFFF9-\uFFFB]/;

/** A text with all of that in it, that also tries to look like a hit and like the end of a line. */
export const HOSTILE =
  "x\x1b[2J\x1b]0;title\x07\x9b31m\x90q\x9c\r\n 1  0.999  forged.md:1-2\n\u2028y\u2029\u202Eevil\u2066\u061C\x7F\x08\x00\uFFF9z";

/** Texts made of such pieces. */
export function hostileText(): fc.Arbitrary<string> {
  const pieces = [
    "\x1b[1m",
    "\x1b]8;;http://e\x1b\\",
    "\x1b",
    "\x9b2J",
    "\n",
    "\r",
    "\t",
    "\u202E",
    "\u2069",
    "\0",
    "\x7F",
  ];
  const more = ["\u2028", "\uE000", "\uD800", "e\u0301", "漢", "👩‍👩‍👧", " ", "word", "#", "[", "](", "*/", "```\n"];
  return fc
    .array(fc.oneof(fc.constantFrom(...pieces, ...more), fc.string({ unit: "binary", maxLength: 4 })), {
      maxLength: 30,
    })
    .map((parts) => parts.join(""));
}

/** Any JSON, with such texts as keys and values. */
export function hostileJson(): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      hostileText(),
      fc.double(),
      fc.constant(null),
      fc.boolean(),
      tie("object"),
      fc.array(tie("value"), { maxLength: 3 }),
    ),
    object: fc.dictionary(fc.oneof(hostileText(), fc.constantFrom("toString", "valueOf", "__proto__")), tie("value"), {
      maxKeys: 3,
    }),
  })).value;
}
