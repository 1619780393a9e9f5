/** Which service, and with which key: what a setting may hold. */

/** The service's address cannot be one. */
export class BadAddress extends Error {
  override readonly name = "BadAddress";
}

/** A key cannot be one; the message does not repeat it. */
export class BadKey extends Error {
  override readonly name = "BadKey";
}

/** Gives the service's address as requests begin with it, without a slash at the end; BadAddress if it is none. */
export function checkedAddress(text: string): string {
  const address = text.trim();
  // The URL class mends or drops what is wrong here; a setting that was meant otherwise must not be guessed at.
  const isPlain = /^https?:\/\/[^/\s\\?#@]+(\/[^\s\\?#]*)?$/i.test(address);
  if (!isPlain || !URL.canParse(address)) {
    throw new BadAddress(
      "The service's address must look like https://img.example.com, without a user name, a password, ? or #.",
    );
  }
  const { origin, pathname } = new URL(address);
  let end = pathname.length;
  while (pathname[end - 1] === "/") end -= 1;
  return origin + pathname.slice(0, end);
}

/** Gives the key without blanks around it; BadKey if it is not 8 to 200 visible ASCII characters. */
export function checkedKey(text: string): string {
  const key = text.trim();
  if (!/^[!-~]{8,200}$/.test(key)) {
    throw new BadKey("This cannot be a key: keys begin with mp_live_ or mp_test_ and are of letters and digits.");
  }
  return key;
}
