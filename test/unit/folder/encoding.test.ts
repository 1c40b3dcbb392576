import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import iconv from "iconv-lite";
import { describe, expect, it, vi } from "vitest";
import { decodeText } from "../../../src/folder/encoding.js";
import { seeded } from "../../support/seeded.js";

const TEXT = "Zwölf Boxkämpfer, 日本 😀\n";
const GERMAN = "Die Straße führt über die Brücke. Größere Schiffe können hier nicht anlegen.\n";
const FRENCH = "À l’été, les élèves prennent “leurs” vacances où ils veulent… pour 5 €.\n";
const POLISH =
  "Statek odpływa z portu o dziewiątej wieczorem. Bilety można kupić w kasie albo u kapitana na pokładzie, jeśli zostały jeszcze miejsca.\n";
const RUSSIAN = "Пароход отходит от пристани в девять часов вечера. Билеты можно купить в кассе.\n";
const UKRAINIAN = "Пароплав відходить від пристані увечері. Квитки можна купити в касі або у капітана.\n";
const GREEK = "Το πλοίο φεύγει από το λιμάνι στις εννέα το βράδυ.\n";
const JAPANESE = "最終のフェリーは九時に島を出ます。切符は桟橋の窓口で買えます。カタカナも混ざっています。\n";
const CHINESE = "最后一班渡轮九点离开岛屿。船票可以在码头的窗口购买。\n";
const TAIWANESE = "最後一班渡輪九點離開島嶼。船票可以在碼頭的窗口購買。\n";
const KOREAN = "마지막 배는 아홉 시에 섬을 떠납니다. 표는 부두의 창구에서 살 수 있습니다.\n";
const ENGLISH = `// By José García\n${"int main() { return 0; }\n".repeat(200)}`;

describe("decodeText", () => {
  it.each([
    ["UTF-8", "utf8", "", "utf-8"],
    ["UTF-8 with a mark", "utf8", "\uFEFF", "utf-8"],
    ["UTF-16LE with a mark", "utf16le", "\uFEFF", "utf-16le"],
    ["UTF-16BE with a mark", "utf16be", "\uFEFF", "utf-16be"],
  ])("reads %s", async (_, form, mark, encoding) => {
    const bytes = iconv.encode(mark + TEXT, form);
    expect(await decodeText(bytes)).toEqual({ text: TEXT, encoding, guessed: false });
  });

  it.each([
    ["UTF-16LE", TEXT, "utf16le", "utf-16le"],
    ["UTF-16BE", TEXT, "utf16be", "utf-16be"],
    ["UTF-16LE without a letter of ASCII", JAPANESE.trim(), "utf16le", "utf-16le"],
    ["UTF-16BE without a letter of ASCII", CHINESE.trim(), "utf16be", "utf-16be"],
    ["UTF-16LE", RUSSIAN, "utf16le", "utf-16le"],
    ["Latin-1", GERMAN, "latin1", "windows-1252"],
    ["windows-1252", FRENCH, "windows1252", "windows-1252"],
    ["Latin-1 with two letters in much ASCII", ENGLISH, "latin1", "windows-1252"],
    ["Latin-1 of one word", "Größe", "latin1", "windows-1252"],
    ["Latin-2", POLISH, "iso8859-2", "iso-8859-2"],
    ["windows-1250", POLISH, "windows1250", "windows-1250"],
    ["KOI8-R", RUSSIAN, "koi8-r", "koi8-r"],
    ["KOI8-U", UKRAINIAN, "koi8-u", "koi8-u"],
    ["windows-1251", RUSSIAN, "windows1251", "windows-1251"],
    ["Greek", GREEK, "iso8859-7", "iso-8859-7"],
    ["Shift_JIS", JAPANESE, "shift_jis", "shift_jis"],
    ["EUC-JP", JAPANESE, "euc-jp", "euc-jp"],
    ["GB18030", CHINESE, "gb18030", "gb18030"],
    ["Big5", TAIWANESE, "big5", "big5"],
    ["EUC-KR", KOREAN, "euc-kr", "euc-kr"],
  ])("guesses %s", async (_, text, form, encoding) => {
    expect(await decodeText(iconv.encode(text, form))).toEqual({ text, encoding, guessed: true });
    const long = text.repeat(2_000);
    expect(await decodeText(iconv.encode(long, form))).toEqual({ text: long, encoding, guessed: true });
  });

  it("guesses ISO-2022-JP, whose bytes are ASCII, but not from a log in colour", async () => {
    const bytes = Buffer.from("\x1b$BF|K\\8l\x1b(B text\n", "latin1");
    expect(await decodeText(bytes)).toEqual({ text: "日本語 text\n", encoding: "iso-2022-jp", guessed: true });
    const log = "\x1b[31mred\x1b[0m $B\n";
    expect(await decodeText(Buffer.from(log))).toEqual({ text: log, encoding: "utf-8", guessed: false });
  });

  it.each([
    ["a zero byte", Buffer.from("a\0b"), "binary"],
    ["zeros", Buffer.alloc(10_000), "binary"],
    ["control characters", Buffer.from("\x01\x02é", "latin1"), "binary"],
    ["a compressed text", deflateSync(GERMAN.repeat(50)), "binary"],
    ["this program", readFileSync(process.execPath).subarray(0, 100_000), "binary"],
    ["UTF-8 with a wrong byte", Buffer.concat([Buffer.from(TEXT), Buffer.from([0xff])]), "faulty"],
    ["UTF-8 cut inside a character", Buffer.from(`${TEXT}é`).subarray(0, -1), "faulty"],
    ["UTF-8 behind Latin-1", Buffer.concat([Buffer.from(TEXT), Buffer.from("é", "latin1")]), "faulty"],
    ["UTF-16 with half a character", Buffer.from([0xff, 0xfe, 0x3d, 0xd8]), "faulty"],
    ["UTF-16 of odd length", Buffer.from([0xff, 0xfe, 0x41]), "faulty"],
    ["UTF-32LE with a mark", Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0]), "unknownEncoding"],
    ["UTF-32BE with a mark", Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x41]), "unknownEncoding"],
    ["two words of Japanese", iconv.encode("日本語のテスト", "shift_jis"), "unknownEncoding"],
    ["an encoding of DOS", iconv.encode(RUSSIAN, "cp866"), "unknownEncoding"],
    ["an encoding of old Macintoshes", iconv.encode(GERMAN, "macroman"), "unknownEncoding"],
  ])("leaves out %s", async (_, bytes, reason) => expect(await decodeText(bytes)).toEqual({ reason }));

  it("takes no noise for text", async () => {
    const random = seeded(9);
    for (let i = 0; i < 200; i++) {
      const noise = Uint8Array.from({ length: 200 }, () => random() * 256);
      expect(await decodeText(noise)).toHaveProperty("reason");
    }
  });

  it("says that the package is missing which tells encodings, and reads all that needs none", async () => {
    vi.resetModules();
    vi.doMock("chardet", () => {
      throw new Error("not installed");
    });
    try {
      const { decodeText } = await import("../../../src/folder/encoding.js");
      expect(await decodeText(iconv.encode(GERMAN, "latin1"))).toEqual({ reason: "noDetector" });
      expect(await decodeText(iconv.encode(GERMAN, "utf16le"))).toMatchObject({ text: GERMAN });
    } finally {
      vi.doUnmock("chardet");
      vi.resetModules();
    }
  });

  it("reads an empty file", async () =>
    expect(await decodeText(Buffer.alloc(0))).toEqual({ text: "", encoding: "utf-8", guessed: false }));
});
