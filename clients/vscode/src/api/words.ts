/** What this client says to people, so that the editor can say it in their language. */

/** A text with its values: `{0}` stands for the first of them. */
export interface Sentence {
  template: string;
  values: readonly (string | number)[];
}

/** Gives a sentence. Templates are keys of the translations, word for word. */
export function sentence(template: string, ...values: (string | number)[]): Sentence {
  return { template, values };
}

/** An error with a message for people; what the service says itself is a template without values. */
export class WordedError extends Error {
  readonly sentence: Sentence;

  constructor(words: string | Sentence) {
    const { template, values } = typeof words === "string" ? sentence(words) : words;
    super(template.replace(/\{(\d)\}/g, (whole, place: string) => String(values[Number(place)] ?? whole)));
    this.sentence = { template, values };
  }
}
