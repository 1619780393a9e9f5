import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BadAddress, BadKey, checkedAddress, checkedKey } from "../../../src/api/address.ts";

describe("checkedAddress", () => {
  test.each([
    ["https://api.minipic.cn", "https://api.minipic.cn"],
    ["  https://api.minipic.cn/ ", "https://api.minipic.cn"],
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["http://[::1]:8000/", "http://[::1]:8000"],
    ["https://img.example.com/minipic//", "https://img.example.com/minipic"],
    ["HTTPS://IMG.example.com:443", "https://img.example.com"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
  ])("%j is the address %j", (text, address) => {
    expect(checkedAddress(text)).toBe(address);
  });

  test.each([
    "",
    "api.minipic.cn",
    "ftp://api.minipic.cn",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https:api.minipic.cn",
    "https://",
    "https:///path",
    "https://me@api.minipic.cn",
    "https://me:secret@api.minipic.cn",
    "https://@api.minipic.cn",
    "https://api.minipic.cn?",
    "https://api.minipic.cn/?x=1",
    "https://api.minipic.cn/#x",
    "https://api.minipic.cn\\@evil.example",
    "https://api minipic.cn",
    "https://api.minipic.cn/a\nb",
    "https://api.minipic.cn:port",
    "https://api.minipic.cn:99999",
  ])("%j is no address", (text) => {
    expect(() => checkedAddress(text)).toThrow(BadAddress);
  });

  test("what was checked stays as it is", () => {
    fc.assert(
      fc.property(fc.webUrl(), (text) => {
        const address = checkedAddress(text);
        expect(checkedAddress(address)).toBe(address);
        expect(address).not.toMatch(/\/$/);
      }),
    );
  });

  test("any text is an address or a BadAddress", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (rest) => {
        try {
          expect(new URL(checkedAddress(`https://${rest}`)).href).toMatch(/^https:\/\/[^@?#]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(BadAddress);
        }
      }),
    );
  });
});

describe("checkedKey", () => {
  test("blanks around a key are taken away", () => {
    expect(checkedKey(" mp_live_abc123\n")).toBe("mp_live_abc123");
  });

  test.each(["", "short", "x".repeat(201), "mp_live_with blank", "mp_live_with\r\nX-Evil: 1", "mp_live_ключ"])(
    "%j is no key",
    (text) => {
      expect(() => checkedKey(text)).toThrow(BadKey);
    },
  );

  test("the error does not repeat the key", () => {
    expect(() => checkedKey("se cret")).toThrow(expect.not.objectContaining({ message: /se cret/ }) as Error);
  });

  test("8 and 200 visible characters are a key", () => {
    const key = fc.stringMatching(/^[!-~]{8,200}$/);
    fc.assert(
      fc.property(key, (text) => {
        expect(checkedKey(text)).toBe(text);
      }),
    );
  });
});
